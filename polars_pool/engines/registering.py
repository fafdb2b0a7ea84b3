"""The elementary functions of the formulas, in their form for each kind of column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def register(forms: Mapping[Any, Callable[..., Any]], *kinds: type) -> None:
    """Give elementary functions their form for columns of some classes."""
    for function, form in forms.items():
        for kind in kinds:
            function.register(kind, form)
