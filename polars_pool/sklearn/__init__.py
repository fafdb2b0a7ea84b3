"""Partial pooling as a transformer of scikit-learn. It needs the extra `sklearn`, and no other file imports it."""

from .encoder import PartialPoolingEncoder

__all__ = ["PartialPoolingEncoder"]
