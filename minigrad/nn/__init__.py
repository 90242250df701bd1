"""Neural networks built from Values: modules, layers, initial weights, losses, optimisers.

Everything here is written with the public operations and reads like the formula it computes; nothing here
knows how gradients are computed.
"""

from . import data, init, optim
from .losses import binary_cross_entropy, squared_error
from .mlp import MLP
from .module import Module
from .training import train_step

__all__ = ["MLP", "Module", "binary_cross_entropy", "data", "init", "optim", "squared_error", "train_step"]
