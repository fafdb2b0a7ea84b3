"""Coefficients of the rational functions in sql/parts/distributions/normal.sql, by mpmath: `python normal.py`.

Each function meets its exact values at as many Chebyshev points as it has coefficients. The points lie on the line of
t = (x - middle) / (x + middle), which maps all x >= 0 to -1 <= t < 1. The last line of each function is the largest
relative error on a grid.
"""

from collections.abc import Callable

from mpmath import cos, erfc, exp, inf, log, lu_solve, matrix, mp, mpf, nstr, pi, polyval, sqrt

mp.dps = 50
START = mpf("1.6")  # a tail of exp(-1.6^2) = 0.0773
LARGEST = mpf("27.3")  # the smallest DOUBLE is above exp(-27.3^2)


def mills(x: mpf) -> mpf:
    """Mills' ratio P(X > x) / exp(-x^2 / 2)."""
    return exp(x * x / 2) * erfc(x / sqrt(2)) / 2


def quantile(x: mpf) -> mpf:
    """The z with P(X > z) = exp(-r^2), r = x + START, by Newton's method on the log tail."""
    r = x + START
    z, step = r, mpf(1)
    while abs(step) > mpf(10) ** -44:
        step = (log(mills(z)) - z * z / 2 + r * r) * mills(z) * sqrt(2 * pi)
        z += step
    return z


def rational(f: Callable[[mpf], mpf], middle: mpf, last: mpf, above: int, below: int) -> tuple[list[mpf], list[mpf]]:
    """The coefficients of numerator and denominator, from the power 0 on; that of the highest power below is 1."""
    size = above + below + 1
    end = mpf(1) if last == inf else (last - middle) / (last + middle)
    system, right = matrix(size, size), matrix(size, 1)
    for row in range(size):
        t = (end - 1 + (end + 1) * cos(pi * (2 * row + 1) / (2 * size))) / 2
        x = middle * (1 + t) / (1 - t)
        y, scale = f(x), (1 + x) ** max(above, below)
        for power in range(above + 1):
            system[row, power] = x**power / scale
        for power in range(1, below + 1):
            system[row, above + power] = -y * x**power / scale
        right[row] = y / scale
    solution = list(lu_solve(system, right))
    numerator, denominator = solution[: above + 1], [mpf(1), *solution[above + 1 :]]
    return [c / denominator[-1] for c in numerator], [c / denominator[-1] for c in denominator]


def report(name: str, f: Callable[[mpf], mpf], last: mpf, numerator: list[mpf], denominator: list[mpf]) -> None:
    """Print the coefficients from the highest power on, as in Horner's scheme, and the error."""
    for role, coefficients in ("numerator", numerator), ("denominator", denominator):
        print(name, role, *(nstr(c, 20, min_fixed=1, max_fixed=0) for c in reversed(coefficients)))
    grid = [last * (mpf(i) / 500) ** 3 for i in range(501)]
    errors = [abs(polyval(numerator[::-1], x) / polyval(denominator[::-1], x) / f(x) - 1) for x in grid]
    print(name, "relative error", nstr(max(errors), 2))


if __name__ == "__main__":
    report("mills", mills, mpf(40), *rational(mills, mpf("3.8"), inf, 10, 11))
    report("quantile", quantile, LARGEST - START, *rational(quantile, mpf(6), LARGEST - START, 11, 10))
