"""Values of distributions.json by mpmath, at the arguments in the committed file: `python distributions.py FOLDER`.

The incomplete gamma and beta functions are their series of positive terms (DLMF 8.7.1 and 8.17.7), so that no term
cancels another; quantiles are roots of the log of the smaller tail.
"""

import json
import sys
from pathlib import Path

from mpmath import beta, digamma, erfc, exp, gamma, inf, log, mp, mpf, pi, polygamma, sqrt
from scipy import special

COMMITTED = Path(__file__).parent.parent / "distributions.json"
DIGITS, MORE_DIGITS = 60, 160
SETTLED = mpf("1e-22")
TINY = 1e-290


def series(ratio):
    """1 + r(0) + r(0) r(1) + ..., all positive."""
    total = term = mpf(1)
    place = 0
    while term > total * mp.eps:
        term *= ratio(place)
        total += term
        place += 1
    return total


def complement(tail):
    """1 - tail(), with more digits where that leaves few."""
    result = 1 - tail()
    if result < mpf(10) ** -(DIGITS // 2):
        with mp.workdps(MORE_DIGITS):
            result = 1 - tail()
    return +result


# --- Lower and upper tail of each family at a transformed argument u ---


class Normal:
    def start(self, p):
        return mpf(special.ndtri(float(p)))

    def lower(self, u):
        return erfc(-u / sqrt(2)) / 2

    def upper(self, u):
        return erfc(u / sqrt(2)) / 2

    def density(self, u):
        return exp(-u * u / 2) / sqrt(2 * pi)


class Gamma:
    """Of u = log x."""

    def __init__(self, shape):
        self.shape = mpf(shape)

    def start(self, p):
        """From scipy, or from the first term of the series where that is too small for a double."""
        x = special.gammaincinv(*map(float, (self.shape, p)))
        return log(mpf(x)) if x > TINY else (log(p) + log(gamma(self.shape + 1))) / self.shape

    def lower(self, u):
        x = exp(u)
        return self.density(u) / self.shape * series(lambda n: x / (self.shape + n + 1))

    def upper(self, u):
        return complement(lambda: self.lower(u))

    def density(self, u):
        return exp(self.shape * u - exp(u)) / gamma(self.shape)


class Beta:
    """Of u = log(x / (1 - x))."""

    def __init__(self, a, b):
        self.a, self.b = mpf(a), mpf(b)

    def start(self, p):
        x = special.betaincinv(*map(float, (self.a, self.b, p)))
        rest = special.betaincinv(*map(float, (self.b, self.a, 1 - p)))
        return log(mpf(x) / rest) if x > TINY else (log(p) + log(self.a * beta(self.a, self.b))) / self.a

    def lower(self, u):
        if u > 0:
            return complement(lambda: Beta(self.b, self.a).lower(-u))
        x = 1 / (1 + exp(-u))
        return self.density(u) / self.a * series(lambda n: x * (self.a + self.b + n) / (self.a + n + 1))

    def upper(self, u):
        return Beta(self.b, self.a).lower(-u)

    def density(self, u):
        return exp(-self.a * log(1 + exp(-u)) - self.b * log(1 + exp(u))) / beta(self.a, self.b)


def root(family, p):
    """u whose lower tail is p, by Newton's method on the log of the smaller tail."""
    tail, target, sign = (family.lower, p, 1) if p <= 0.5 else (family.upper, 1 - p, -1)
    u, step = family.start(p), inf
    while abs(step) > SETTLED * max(1, abs(u)):
        reached = tail(u)
        step = sign * (log(target) - log(reached)) * reached / family.density(u)
        u += step
    return u


# --- The macros ---


def gamma_cdf(x, shape):
    return Gamma(shape).lower(log(x))


def gamma_quantile(p, shape):
    return exp(root(Gamma(shape), p))


def beta_logit(p, a, b):
    return root(Beta(a, b), p) if p <= 0.5 else -root(Beta(b, a), 1 - p)


def beta_quantile(p, a, b):
    return 1 / (1 + exp(-beta_logit(p, a, b)))


def student_cdf(t, df):
    """By its tails: those of t^2 / df, whose logit is that of a beta variable."""
    if t == 0:
        return mpf(1) / 2
    tail = Beta(df / 2, mpf(1) / 2).lower(log(df) - 2 * log(abs(t))) / 2
    return tail if t < 0 else 1 - tail


def student_quantile(p, df):
    if p == 0.5:
        return mpf(0)
    u = beta_logit(2 * min(p, 1 - p), df / 2, mpf(1) / 2)
    return (-1 if p < 0.5 else 1) * sqrt(df) * exp(-u / 2)


MACROS = {
    "pool_normal_density": lambda x: Normal().density(x),
    "pool_normal_cdf": lambda x: Normal().lower(x),
    "pool_normal_quantile": lambda p: root(Normal(), p),
    "pool_student_cdf": student_cdf,
    "pool_student_quantile": student_quantile,
    "pool_gamma_cdf": gamma_cdf,
    "pool_gamma_quantile": gamma_quantile,
    "pool_chi_square_cdf": lambda x, df: gamma_cdf(x / 2, df / 2),
    "pool_chi_square_quantile": lambda p, df: 2 * gamma_quantile(p, df / 2),
    "pool_chi_square_median": lambda df: 2 * gamma_quantile(mpf(1) / 2, df / 2),
    "pool_beta_cdf": lambda x, a, b: Beta(a, b).lower(log(x) - log(1 - x)),
    "pool_beta_quantile": beta_quantile,
    "pool_digamma": digamma,
    "pool_trigamma": lambda x: polygamma(1, x),
}


def layout(tables):
    """JSON with one row of values a line."""
    parts = []
    for macro, table in tables.items():
        rows = ",\n".join(f"      {json.dumps(row)}" for row in table["values"])
        arguments = json.dumps(table["arguments"])
        parts.append(f'  "{macro}": {{\n    "arguments": {arguments},\n    "values": [\n{rows}\n    ]\n  }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write_vector(name, folder):
    tables = json.loads(COMMITTED.read_text(encoding="utf-8"))
    mp.dps = DIGITS
    for macro, table in tables.items():
        arguments = [row[:-1] for row in table["values"]]
        table["values"] = [[*row, float(MACROS[macro](*map(mpf, row)))] for row in arguments]
    Path(folder, f"{name}.json").write_text(layout(tables), encoding="utf-8")


write_vector("distributions", sys.argv[1])
