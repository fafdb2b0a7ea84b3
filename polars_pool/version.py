"""The versions of the package and of the states that it writes, where every layer can read them."""

__version__ = "0.1.0"
FORMAT = 2
