"""Functions of one number: those the ladder was tuned on, those held out, and those with noise inside."""
