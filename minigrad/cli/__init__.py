"""The command line: one file per command in `commands`; the files here are shared."""
