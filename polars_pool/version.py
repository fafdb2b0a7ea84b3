"""The versions of the package and of the states that it writes; every layer may import this file."""

__version__ = "0.2.0"
FORMAT = 2
