"""Functions of functions: grad, jacobian, checkpoint, vmap; and ops of a user's own."""
