"""The transformer of scikit-learn in reference.md, read from its source: rendering needs no scikit-learn."""

from __future__ import annotations

import ast
from pathlib import Path

from . import markdown

SOURCE = Path(__file__).parents[2] / "sklearn" / "encoder.py"


def blocks() -> list[str]:
    """The class, and each public method."""
    [owner] = [node for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)]
    methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
    described = [_block(owner.name, owner, methods["__init__"])]
    return described + [_block(f".{name}", node, node) for name, node in methods.items() if not name.startswith("_")]


def _block(name: str, documented: ast.ClassDef | ast.FunctionDef, called: ast.FunctionDef) -> str:
    """A heading, the call with its defaults, and the docstring."""
    title = f"#### PartialPoolingEncoder{name}" if name.startswith(".") else f"### {name}"
    call = markdown.call(name, _words(called.args))
    return f"{title}\n\n```pyi\n{call}\n```\n\n{markdown.of_docstring(ast.get_docstring(documented) or '')}"


def _words(arguments: ast.arguments) -> list[str]:
    """The arguments after self, each with its default."""
    positional = [argument.arg for argument in arguments.args]
    first = len(positional) - len(arguments.defaults)
    defaults = [f"{name}={ast.unparse(e)}" for name, e in zip(positional[first:], arguments.defaults, strict=True)]
    named = [f"{a.arg}={ast.unparse(e)}" for a, e in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if e]
    return [*positional[1:first], *defaults, *(["*", *named] if named else [])]
