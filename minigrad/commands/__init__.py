"""Commands that need more than a line of `cli`: one file each, with their options and what they do."""
