"""Functions of functions: grad, jacobian, checkpoint, vmap; and custom ops."""
