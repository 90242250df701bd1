"""The diagnosis of a wrong gradient: kinds of mistakes, the patterns that recognise them, and the report."""
