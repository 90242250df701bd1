"""Rules for functions of SciPy: a page per module of SciPy, read when one of its functions first meets a Value."""
