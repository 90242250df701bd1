"""The commands of ``python -m minigrad``, one module each.

A command is a module with a docstring, whose first line is its help, ``add_options(parser)`` and
``run(arguments)``, which gives the exit status, or None for 0. `main` finds it by itself. The other modules here
help several commands.
"""
