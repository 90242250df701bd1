"""The commands of ``python -m minigrad``, one module each.

A command is a module with a docstring, whose first line is its help, a function ``add_options(parser)`` and a
function ``run(arguments)``, which returns the exit status, or None for 0. `main` finds it by itself.
"""
