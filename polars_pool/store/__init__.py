"""Moments that last, and the sources they are read from."""
