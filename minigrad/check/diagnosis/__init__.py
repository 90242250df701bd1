"""What is wrong with a gradient: patterns, messages and the report."""
