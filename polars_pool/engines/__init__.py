"""Adapters: each module says how formulas run on one kind of column."""

from __future__ import annotations

from . import numpy, polars, sql


def register() -> None:
    """Give every elementary function of the formulas its form on each kind of column."""
    for engine in (numpy, polars, sql):
        for function, form in engine.FORMS.items():
            for kind in engine.KINDS:
                function.register(kind, form)
