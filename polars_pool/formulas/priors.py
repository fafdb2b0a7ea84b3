"""Priors as small values: `tau2=HalfCauchy(5)`, `mu=Normal(0, 5)`; stated on tau, the standard deviation.

Each may be written as a text, too, as in SQL: `tau2="half_cauchy(5)"`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, cast

from . import between, densities
from .elementary import Column, log, sqrt, where

Groups = Any
Density = tuple[Callable[..., Column], tuple[Column, ...]]
Bounds = tuple[tuple[str, float | str], ...]  # comparisons that a number must pass: with a number, or another field

ABOVE_ZERO: Bounds = ((">", 0.0), ("<", math.inf))
FINITE: Bounds = ((">", -math.inf), ("<", math.inf))
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"<": operator.lt, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Numbers:
    """A distribution that is written as its name and its numbers.

    `name` is its name in a text; `bounds` what its numbers must fulfil, above 0 and finite where nothing is stated;
    `rule` says so where one sentence covers all of them.
    """

    name: ClassVar[str] = ""
    bounds: ClassVar[Mapping[str, Bounds]] = {}
    rule: ClassVar[str] = ""

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{getattr(self, f.name):g}' for f in fields(self))})"

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _number(self, field.name, getattr(self, field.name)))
        for field in fields(self):
            for sign, bound in self.bounds_of(field.name):
                limit = getattr(self, bound) if isinstance(bound, str) else bound
                if not COMPARISONS[sign](getattr(self, field.name), limit):
                    raise ValueError(f"{self!r}: give {self.rule_of(field.name)}")

    @classmethod
    def bounds_of(cls, number: str) -> Bounds:
        """What a number must fulfil."""
        return cls.bounds.get(number, ABOVE_ZERO)

    @classmethod
    def rule_of(cls, number: str) -> str:
        """The same in words."""
        return cls.rule or f"{number} as a finite number above 0"


@dataclass(frozen=True)
class Prior(Numbers):
    """A prior of a standard deviation, tau or sigma.

    `proper` says whether its total is finite; `tail` is the power of 1 / tau that it falls by where tau is large,
    `rise` the power of tau that it starts with at 0, and `rise_if_exact` the same in a model some of whose groups have
    no sampling variance; `statistic` names what its density needs to know of the sampling variances.
    """

    proper: ClassVar[bool] = True
    rise: ClassVar[float] = 0.0
    rise_if_exact: ClassVar[float] = 0.0
    statistic: ClassVar[str] = ""

    @property
    def tail(self) -> float:
        return math.inf

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, math.inf

    @property
    def size(self) -> float | None:
        """Where most of it lies, if the prior itself says so."""
        return None

    def log_density(self, tau: Column, g: Groups) -> Column:
        """Log density at one tau per model; `g` holds the groups of the models."""
        formula, numbers = self.density(STATISTICS[self.statistic](tau, g))
        return formula(tau, *numbers)

    def density(self, statistic: Column) -> Density:
        """The formula of the log density, and its arguments after tau."""
        raise NotImplementedError


def squared_precisions(tau: Column, g: Groups) -> Column:
    """sum(1 / (v + tau2)^2) of every model."""
    w = between.precision(g.v, g.each(tau * tau))
    return g.sum(w * w)


def harmonic_mean(tau: Column, g: Groups) -> Column:
    """The harmonic mean of v of every model; missing where some v is 0."""
    return where(g.exact > 0, None, g.groups / g.sum(1 / g.v))


STATISTICS: dict[str, Callable[[Column, Groups], Column]] = {
    "": lambda tau, g: None,
    "squared_precisions": squared_precisions,
    "harmonic_mean": harmonic_mean,
}


def uniform(tau: Column, lower: Column, upper: Column) -> Column:
    """Log density between two limits; 0 where the upper one is infinite."""
    return 0.0 * tau - where(upper < math.inf, log(upper - lower), 0.0)


def _number(prior: Any, name: str, value: Any) -> float:
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise TypeError(f"{type(prior).__name__}({name}={value!r}): give a number")
    return float(value)


@dataclass(frozen=True)
class HalfT(Prior):
    """Half of Student's t on tau: heavier tails than the normal, lighter than the Cauchy.

    Parameters
    ----------
    df
        Degrees of freedom, above 0.
    scale
        Scale, in units of the value, above 0.

    Source
    ------
    Gelman (2006), "Prior distributions for variance parameters in hierarchical models", Bayesian Analysis 1.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.HalfT(4, 5)
    HalfT(df=4.0, scale=5.0)
    """

    name: ClassVar[str] = "half_t"
    df: float
    scale: float

    @property
    def tail(self) -> float:
        return self.df + 1

    @property
    def size(self) -> float:
        return self.scale

    def density(self, statistic: Column) -> Density:
        return densities.half_t, (self.df, self.scale)


@dataclass(frozen=True)
class HalfCauchy(Prior):
    """Half of a Cauchy distribution on tau, whose median is the scale: the usual weakly informative prior.

    Parameters
    ----------
    scale
        Scale, in units of the value, above 0.

    Source
    ------
    Gelman (2006), Bayesian Analysis 1; Polson & Scott (2012), Bayesian Analysis 7.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.HalfCauchy(5)
    HalfCauchy(scale=5.0)
    """

    name: ClassVar[str] = "half_cauchy"
    scale: float

    @property
    def tail(self) -> float:
        return 2.0

    @property
    def size(self) -> float:
        return self.scale

    def density(self, statistic: Column) -> Density:
        return densities.half_t, (1.0, self.scale)


@dataclass(frozen=True)
class HalfNormal(Prior):
    """Half of a normal distribution on tau: for a spread that is known not to be much larger than the scale.

    Parameters
    ----------
    scale
        Standard deviation of the whole normal, in units of the value, above 0.

    Source
    ------
    Roever et al. (2021), "On weakly informative prior distributions for the heterogeneity parameter in Bayesian
    random-effects meta-analysis", Res. Synth. Methods 12.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.HalfNormal(5)
    HalfNormal(scale=5.0)
    """

    name: ClassVar[str] = "half_normal"
    scale: float

    @property
    def size(self) -> float:
        return self.scale

    def density(self, statistic: Column) -> Density:
        return densities.half_normal, (self.scale,)


@dataclass(frozen=True)
class Exponential(Prior):
    """Exponential distribution on tau, of mean 1 / rate.

    Parameters
    ----------
    rate
        One over the mean, in one over units of the value, above 0.

    Source
    ------
    Simpson et al. (2017), "Penalising model component complexity", Statistical Science 32.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.Exponential(0.2)
    Exponential(rate=0.2)
    """

    name: ClassVar[str] = "exponential"
    rate: float

    @property
    def size(self) -> float:
        return 1 / self.rate

    def density(self, statistic: Column) -> Density:
        return densities.exponential, (self.rate,)


@dataclass(frozen=True)
class Uniform(Prior):
    """Uniform distribution on tau between two limits; by default flat on all tau, without a finite total.

    Parameters
    ----------
    lower, upper
        Limits of tau, in units of the value. With an infinite upper one a model needs three groups.

    Source
    ------
    Gelman (2006), Bayesian Analysis 1.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.Uniform(0, 50)
    Uniform(lower=0.0, upper=50.0)
    """

    name: ClassVar[str] = "uniform"
    bounds: ClassVar[Mapping[str, Bounds]] = {"lower": ((">=", 0.0), ("<", "upper")), "upper": ((">", "lower"),)}
    rule: ClassVar[str] = "a lower limit of 0 or more and an upper one above it"
    lower: float = 0.0
    upper: float = math.inf

    @property
    def proper(self) -> bool:  # type: ignore[override]
        return self.upper < math.inf

    @property
    def tail(self) -> float:
        return cast(float, where(self.proper, math.inf, 0.0))

    @property
    def support(self) -> tuple[float, float]:
        return self.lower, self.upper

    def density(self, statistic: Column) -> Density:
        return uniform, (self.lower, self.upper)

    def __str__(self) -> str:
        limits = [f"{self.lower:g}", f"{self.upper:g}"] if self.proper else [f"{self.lower:g}"] if self.lower else []
        return f"{self.name}({', '.join(limits)})"


@dataclass(frozen=True)
class InverseGamma(Prior):
    """Inverse gamma distribution on tau squared; other priors are usually better.

    Parameters
    ----------
    shape, scale
        Both above 0; the scale in squared units. It keeps tau away from 0 for all data. Small shape
        and scale approach the prior that is flat on log tau, whose posterior is improper; the result then depends
        strongly on both.

    Source
    ------
    Gelman (2006), Bayesian Analysis 1, section 4.3, advises against it.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.InverseGamma(1, 1)
    InverseGamma(shape=1.0, scale=1.0)
    """

    name: ClassVar[str] = "inverse_gamma"
    rise: ClassVar[float] = math.inf
    rise_if_exact: ClassVar[float] = math.inf
    shape: float
    scale: float

    @property
    def tail(self) -> float:
        return 2 * self.shape + 1

    @property
    def size(self) -> float:
        return cast(float, sqrt(self.scale / (self.shape + 0.5)))

    def density(self, statistic: Column) -> Density:
        return densities.inverse_gamma, (self.shape, self.scale)


@dataclass(frozen=True)
class Jeffreys(Prior):
    """Jeffreys' prior on tau, from the information that the sampling variances allow; on sigma2 it is 1 / sigma.

    Source
    ------
    Bodnar et al. (2017), "Bayesian estimation in random effects meta-analysis using a non-informative prior", Stat.
    Med. 36.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.Jeffreys()
    Jeffreys()
    """

    name: ClassVar[str] = "jeffreys"
    proper: ClassVar[bool] = False
    rise: ClassVar[float] = 1.0
    rise_if_exact: ClassVar[float] = -1.0
    statistic: ClassVar[str] = "squared_precisions"

    @property
    def tail(self) -> float:
        return 1.0

    def density(self, statistic: Column) -> Density:
        return densities.jeffreys, (statistic,)


@dataclass(frozen=True)
class ByHarmonicMean(Prior):
    """Priors whose scale is the harmonic mean of the sampling variances, all of which must be above 0."""

    statistic: ClassVar[str] = "harmonic_mean"


@dataclass(frozen=True)
class UniformShrinkage(ByHarmonicMean):
    """Uniform distribution on the weight of a typical group, whose v is the harmonic mean of all.

    As `prior` of rates: uniform on the mean and on the overdispersion 1 / (1 + alpha + beta), which is the weight of a
    group of one trial; with `exposure` flat on the logarithm of the mean, and uniform on the weight of a group of the
    median exposure.

    Source
    ------
    Daniels (1999), "A prior for the variance in hierarchical models", Canadian J. Stat. 27.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.UniformShrinkage()
    UniformShrinkage()
    """

    name: ClassVar[str] = "uniform_shrinkage"
    rise: ClassVar[float] = 1.0

    @property
    def tail(self) -> float:
        return 3.0

    def density(self, statistic: Column) -> Density:
        return densities.uniform_shrinkage, (statistic,)


@dataclass(frozen=True)
class DuMouchel(ByHarmonicMean):
    """Log-logistic distribution on tau, whose median is the root of the harmonic mean of v.

    Source
    ------
    DuMouchel & Normand (2000), "Computer-modeling and graphical strategies for meta-analysis".

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.DuMouchel()
    DuMouchel()
    """

    name: ClassVar[str] = "dumouchel"

    @property
    def tail(self) -> float:
        return 2.0

    def density(self, statistic: Column) -> Density:
        return densities.dumouchel, (statistic,)


@dataclass(frozen=True)
class Normal(Numbers):
    """A normal prior of mu.

    Parameters
    ----------
    mean, sd
        In units of the value; sd above 0.

    Source
    ------
    Gelman et al. (2013), Bayesian Data Analysis, section 5.4.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.Normal(0, 5)
    Normal(mean=0.0, sd=5.0)
    """

    name: ClassVar[str] = "normal"
    bounds: ClassVar[Mapping[str, Bounds]] = {"mean": FINITE}
    rule: ClassVar[str] = "a finite mean, and sd as a finite number above 0"
    mean: float
    sd: float


@dataclass(frozen=True)
class Flat(Numbers):
    """A flat prior of mu, equal density for every value: the meaning of mu="gls" with a prior of tau.

    Source
    ------
    Gelman et al. (2013), Bayesian Data Analysis, section 5.4.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.Flat()
    Flat()
    """

    name: ClassVar[str] = "flat"


@dataclass(frozen=True)
class Beta(Numbers):
    """A beta prior of the rates of groups, known beforehand.

    Parameters
    ----------
    alpha, beta
        Both above 0. The prior has the weight of `alpha` earlier events and `beta` earlier non-events in every group.

    Source
    ------
    Skellam (1948), "A probability distribution derived from the binomial distribution", J. R. Stat. Soc. B 10.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.Beta(2, 5)
    Beta(alpha=2.0, beta=5.0)
    """

    name: ClassVar[str] = "beta"
    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        return self.alpha / (self.alpha + self.beta)

    @property
    def size(self) -> float:
        return self.alpha + self.beta


@dataclass(frozen=True)
class Gamma(Numbers):
    """A gamma prior of the rates of groups, known beforehand.

    Parameters
    ----------
    shape, rate
        Both above 0. The prior has the weight of `shape` earlier events in an exposure of `rate` in every group.

    Source
    ------
    Clayton & Kaldor (1987), "Empirical Bayes estimates of age-standardized relative risks", Biometrics 43.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.Gamma(3, 1)
    Gamma(shape=3.0, rate=1.0)
    """

    name: ClassVar[str] = "gamma"
    shape: float
    rate: float

    @property
    def mean(self) -> float:
        return self.shape / self.rate

    @property
    def size(self) -> float:
        return self.shape


@dataclass(frozen=True)
class UniformSpread(Numbers):
    """A prior of the prior of rates with `trials`: uniform on its mean and on (alpha + beta)^(-1/2), about its spread.

    The density of alpha and beta is (alpha + beta)^(-5/2). It has no finite total: some group must have both events and
    other trials. Of many groups the results are those of `UniformShrinkage`; of few groups they differ more.

    Source
    ------
    Gelman et al. (2013), Bayesian Data Analysis, section 5.3.

    Examples
    --------
    >>> import polars_pool as pool
    >>> pool.UniformSpread()
    UniformSpread()
    """

    name: ClassVar[str] = "uniform_spread"


@dataclass(frozen=True)
class Hyper:
    """A prior of the prior of rates, by two distributions that are independent.

    Parameters
    ----------
    mean
        Distribution of the mean of the groups' rates: a `Beta` with `trials`, by default uniform; a `Gamma` with
        `exposure`, by default flat in the logarithm of the mean.
    rho
        `Beta` distribution of the share of the variance between groups in the raw rate of one trial, rho = 1 / (1 +
        alpha + beta); with `exposure` in the raw rate of a group of the median exposure E, E / (E + rate). By default
        uniform.

    Source
    ------
    Daniels (1999), "A prior for the variance in hierarchical models", Canadian J. Stat. 27; Gelman et al. (2013),
    Bayesian Data Analysis, section 5.3.

    Examples
    --------
    Rates of some 10 % that differ little:

    >>> import polars_pool as pool
    >>> pool.Hyper(mean=pool.Beta(2, 18), rho=pool.Beta(1, 20))
    Hyper(mean=Beta(alpha=2.0, beta=18.0), rho=Beta(alpha=1.0, beta=20.0))
    """

    mean: Beta | Gamma | None = None
    rho: Beta | None = None

    def __post_init__(self) -> None:
        for name, kinds, forms in (
            ("mean", Beta | Gamma, "Beta(alpha, beta) for trials, Gamma(shape, rate) for exposure"),
            ("rho", Beta, "Beta(alpha, beta)"),
        ):
            value = getattr(self, name)
            if value is not None and not isinstance(value, kinds):
                raise TypeError(f"Hyper({name}={value!r}): give a distribution, {forms}")


OF_TAU: dict[str, type[Prior]] = {
    prior.name: prior
    for prior in (
        HalfCauchy,
        HalfNormal,
        HalfT,
        Exponential,
        Uniform,
        InverseGamma,
        Jeffreys,
        UniformShrinkage,
        DuMouchel,
    )
}
OF_SIGMA = {name: prior for name, prior in OF_TAU.items() if not issubclass(prior, ByHarmonicMean)}
OF_RATES: dict[str, type[Beta | Gamma]] = {"binomial": Beta, "poisson": Gamma}
OF_PRIOR_OF_RATES: dict[str, Any] = {prior.name: prior for prior in (UniformShrinkage, UniformSpread)}
OF_MU: dict[str, type[Normal | Flat]] = {"normal": Normal, "flat": Flat}
EXAMPLES = {HalfCauchy: "HalfCauchy(5)", Normal: "Normal(0, 5)", Beta: "Beta(2, 5)", Gamma: "Gamma(3, 1)"}


def signature(prior: Any) -> str:
    """How a prior is called in Python, `HalfCauchy(scale)`."""
    return f"{prior.__name__}({', '.join(field.name for field in fields(prior))})"


def called(prior: Any) -> str:
    """How a prior is written as a text, `half_cauchy(scale)`."""
    return f"{prior.name}({', '.join(field.name for field in fields(prior))})"


def parsed(text: str, allowed: dict[str, Any]) -> Any:
    """The prior that a text names, `half_cauchy(5)`; None if it names none of those."""
    match = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", text)
    if not match or match[1] not in allowed:
        return None
    prior = allowed[match[1]]
    pieces = [piece.strip() for piece in match[2].split(",")] if (match[2] or "").strip() else []
    least = sum(field.default is MISSING for field in fields(prior))
    if not (least <= len(pieces) <= len(fields(prior)) and all(map(_is_number, pieces))):
        raise ValueError(f"{text!r}: give {called(prior)} with numbers")
    return prior(*map(float, pieces))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
