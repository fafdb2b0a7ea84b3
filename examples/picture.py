"""The picture of the front page: raw mean delays of aircraft, and their estimates, by the number of flights.

    python examples/picture.py [file]

The script writes an SVG file (by default examples/guides/images/flights.svg). It shows every 20th aircraft of
examples/flights.py, in the order of tail numbers.
"""

import math
import sys
from pathlib import Path

import polars as pl
from flights import read_flights

import polars_pool as pool

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 72, 48
MOST_FLIGHTS, LEAST_DELAY, MOST_DELAY = 600, -60, 100
GREY, BLUE, INK = "#8a8f98", "#0b62c4", "#24292f"

STYLE = f"""\
<style>
text {{ font: 14px system-ui, sans-serif; fill: {INK} }}
.title {{ font-size: 17px; font-weight: 600 }}
.grid {{ stroke: #e4e7eb }}
.mean {{ stroke: {INK}; stroke-dasharray: 5 4 }}
.pull {{ stroke: #c3c9d1; stroke-width: 0.8 }}
.raw {{ fill: #fff; stroke: {GREY} }}
.estimate {{ fill: {BLUE} }}
.end {{ text-anchor: end }}
.middle {{ text-anchor: middle }}
</style>"""


def x(flights: float) -> float:
    """The horizontal position of a number of flights, on a logarithmic scale."""
    return round(LEFT + 12 + (WIDTH - LEFT - RIGHT - 12) * math.log(flights) / math.log(MOST_FLIGHTS), 1)


def y(delay: float) -> float:
    """The vertical position of a delay in minutes."""
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (MOST_DELAY - delay) / (MOST_DELAY - LEAST_DELAY), 1)


def axes() -> list[str]:
    """Lines and labels of both axes."""
    lines = []
    for delay in (-50, 0, 50, 100):
        lines.append(f'<path class="grid" d="M{LEFT} {y(delay)}H{WIDTH - RIGHT}"/>')
        lines.append(f'<text class="end" x="{LEFT - 8}" y="{y(delay) + 5}">{str(delay).replace("-", "−")}</text>')
    for flights in (1, 10, 100, 500):
        lines.append(f'<text class="middle" x="{x(flights)}" y="{HEIGHT - BOTTOM + 20}">{flights}</text>')
    lines.append(f'<text class="middle" x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}">flights of the aircraft</text>')
    return lines


def legend(mu: float) -> list[str]:
    """The title, and the meaning of the points and of the line."""
    return [
        f'<text class="title" x="{LEFT}" y="24">Mean arrival delay of aircraft, in minutes</text>',
        f'<circle class="raw" cx="{LEFT + 6}" cy="45" r="4"/><text x="{LEFT + 18}" y="50">raw mean</text>',
        f'<circle class="estimate" cx="{LEFT + 112}" cy="45" r="4"/><text x="{LEFT + 124}" y="50">estimate</text>',
        f'<path class="mean" d="M{LEFT + 216} 45h24"/>',
        f'<text x="{LEFT + 248}" y="50">mean of all aircraft: {mu:.1f}</text>',
    ]


def points(aircraft: pl.DataFrame) -> list[str]:
    """Raw mean, estimate and the line between them, for each aircraft; all estimates lie above the raw means."""
    rows = [(x(n), y(mean), y(estimate)) for n, mean, estimate in aircraft.select("n", "mean", "estimate").rows()]
    pulls = [f'<path class="pull" d="M{across} {raw}V{pooled}"/>' for across, raw, pooled in rows]
    raws = [f'<circle class="raw" cx="{across}" cy="{raw}" r="3"/>' for across, raw, _ in rows]
    estimates = [f'<circle class="estimate" cx="{across}" cy="{pooled}" r="3"/>' for across, _, pooled in rows]
    return pulls + raws + estimates


def picture(flights: pl.DataFrame) -> str:
    """The text of the SVG file."""
    moments = pool.moments(flights, "arr_delay", by="tailnum")
    pooled = pool.shrink(moments, "mean", by="tailnum", n="n", var="var")
    mu = pool.components(moments, "mean", by="tailnum", n="n", var="var")["mu"].item()
    aircraft = pooled.drop_nulls("mean").sort("tailnum").gather_every(20)
    assert aircraft["mean"].is_between(LEAST_DELAY, MOST_DELAY).all(), "the scale must show every point"
    mean = f'<path class="mean" d="M{LEFT} {y(mu)}H{WIDTH - RIGHT}"/>'
    title = "The fewer flights an aircraft has, the nearer its estimate lies to the mean of all aircraft"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    return "\n".join([head, STYLE, paper, *axes(), *legend(mu), *points(aircraft), mean, "</svg>", ""])


if __name__ == "__main__":
    default = Path(__file__).parent / "guides" / "images" / "flights.svg"
    Path(sys.argv[1] if len(sys.argv) > 1 else default).write_text(picture(read_flights()), encoding="utf-8")
