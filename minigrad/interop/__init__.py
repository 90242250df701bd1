"""Other packages that must be told of Values. Each module here registers Values with the package of its name.

They are imported by `minigrad` if the other package is loaded before it, else by the user. Packages that only need
NumPy's protocols, such as pandas, need no module.
"""
