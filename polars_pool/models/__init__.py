"""One model family per folder; a file name means the same in each. Models compute by formulas."""

from ..engines import register

register()
