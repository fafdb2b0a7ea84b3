"""Adapters: each module says how formulas run on one kind of column, from when it is imported."""
