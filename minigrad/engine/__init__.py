"""The engine: it records operations as a graph, and sweeps gradients and tangents through it."""
