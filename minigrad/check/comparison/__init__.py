"""Compare a given gradient with the measured one: the questions to ask, where to ask them, and the verdict."""
