"""Functions of other frameworks, with the derivatives that each framework computes itself.

For the command line, `cli/frameworks` finds the framework in a file.
"""
