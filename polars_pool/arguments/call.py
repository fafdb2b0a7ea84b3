"""The arguments of one call of a verb, as the user wrote them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from inspect import Parameter, signature
from typing import Any

import polars as pl

from .columns import lazy
from .sentences import shown


@dataclass(frozen=True)
class Call:
    """The arguments of one call by name, and the defaults of the verb's signature; nothing is checked yet."""

    values: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        """Whether the verb has the argument."""
        return name in self.values

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The argument, or a default where the verb does not have it."""
        return self.values.get(name, default)

    def changed(self, *names: str) -> list[str]:
        """Those of some arguments, or of all, that differ from their default."""
        return [name for name in names or self.defaults if name in self.defaults and not self._is_default(name)]

    def _is_default(self, name: str) -> bool:
        """Whether an argument equals its default; a column or an array does not, and has no single truth value."""
        value, default = self.values[name], self.defaults[name]
        return value is default or (isinstance(value, str | int | float) and value == default)

    def replaced(self, **values: Any) -> Call:
        """The call with other values of some arguments."""
        return replace(self, values={**self.values, **values})

    @cached_property
    def frame(self) -> pl.LazyFrame:
        """The frame of Polars, which has no cache to choose."""
        if self.get("persist") is not None:
            raise ValueError(f"persist={shown(self['persist'])} is for Spark frames; leave it out")
        return lazy(self["frame"])

    @cached_property
    def schema(self) -> pl.Schema:
        """The columns of the frame."""
        return self.frame.collect_schema()


def call(verb: Callable[..., Any], values: Mapping[str, Any]) -> Call:
    """The call of a verb; `values` are its arguments, `locals()` where the verb begins."""
    names, defaults = _signature(verb)
    return Call({name: values[name] for name in names}, defaults)


@cache
def _signature(verb: Callable[..., Any]) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """The names of the arguments, without the object of a method, and their defaults."""
    parameters = [p for name, p in signature(verb).parameters.items() if name != "self"]
    defaults = {p.name: p.default for p in parameters if p.default is not Parameter.empty}
    return tuple(p.name for p in parameters), defaults
