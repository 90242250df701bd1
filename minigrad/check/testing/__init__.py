"""Tools for test suites: strategies, random programs, calls of ops, and the assertion behind the pytest fixture."""
