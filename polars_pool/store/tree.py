"""The tree of merges above the states of a store, determined by the names of the parts alone.

A change, a new part or a dropped part then changes only the nodes above it. The bounds between nodes follow from hashes
of the names, as in content-defined chunking (Muthitacharoen, Chen and Mazieres 2001): a node begins at a hash that is
smaller than its neighbours. Bounds at fixed positions would all move when a part is added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .states import State

NEAR = 3  # neighbours on each side that a bound is compared with: a node has about seven children


@dataclass(frozen=True)
class Node:
    """Neighbouring states, as one state or as the children of the node."""

    states: tuple[State, ...]
    children: tuple[Node, ...] = ()

    def nodes(self) -> Iterator[Node]:
        """This node and all nodes below it."""
        yield self
        for child in self.children:
            yield from child.nodes()


def tree(listed: Sequence[State]) -> Node:
    """The root of the tree of some states, at least one."""
    nodes = [Node((state,)) for state in sorted(listed, key=lambda state: state.source)]
    while len(nodes) > 1:
        nodes = [_above(siblings) for siblings in _siblings(nodes)]
    return nodes[0]


def _above(children: Sequence[Node]) -> Node:
    if len(children) == 1:
        return children[0]
    return Node(tuple(state for child in children for state in child.states), tuple(children))


def _siblings(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    """The nodes in pieces; all in one piece if they are few."""
    hashes = [node.states[0].path.name for node in nodes]
    starts = [i for i, own in enumerate(hashes) if own == min(hashes[max(i - NEAR, 0) : i + NEAR + 1])]
    bounds = starts[1:] if len(nodes) > 2 * NEAR + 1 else []
    return (nodes[start:end] for start, end in pairwise([0, *bounds, len(nodes)]))
