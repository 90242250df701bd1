"""Functions of one number: those the ladder was tuned on, those it only had to meet, and noisy ones."""
