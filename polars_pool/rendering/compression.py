"""sql/parts/rendered/compression.sql: the points of a bin and its constants (polars_pool/formulas/compression.py)."""

from __future__ import annotations

from ..engines.sql import folded
from ..formulas.compression import BINS, COUNTS, KEPT, MANY, POINTS

TEXT = """\
-- The constants of the compression of groups by their sampling variance.

-- A model with at least so many groups is compressed.
CREATE OR REPLACE MACRO _pool_groups_compressed() AS {many};

-- The number of bins for each factor of 2.
CREATE OR REPLACE MACRO _pool_bins_per_doubling() AS {bins};

-- A bin with at most so many groups keeps them.
CREATE OR REPLACE MACRO _pool_groups_kept() AS {kept};

-- The points x of a bin, from -1 at its least v to 1 at its largest, and what the sum over the groups of each Chebyshev
-- polynomial adds to the count of the point.
CREATE OR REPLACE MACRO _pool_points_of_bin() AS TABLE
    SELECT * FROM (VALUES
        {points}
    ) AS points(x, counts);"""


def text() -> str:
    """The macros of the file."""
    points = (folded(f"({_number(x)}, [{', '.join(map(_number, c))}])", 8) for x, c in zip(POINTS, COUNTS, strict=True))
    return TEXT.format(many=MANY, bins=BINS, kept=KEPT, points=",\n        ".join(points))


def _number(x: float) -> str:
    """A literal of type DOUBLE: without an exponent it would be a decimal."""
    return repr(x) if "e" in repr(x) else f"{x!r}e0"
