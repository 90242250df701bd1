"""A given gradient beside the measured one: what is compared, where, and the verdict."""
