"""The type of the arrays that numerics take and return."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
