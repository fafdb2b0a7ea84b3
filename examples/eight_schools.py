"""Eight schools as in the textbooks, with tau integrated out instead of estimated; then fifty simulated schools.

Coaching for the SAT (Rubin 1981; Gelman et al., Bayesian Data Analysis, section 5.5). Every number is checked
against a quadrature in R, the book, or a grid of tau in plain NumPy. Run it with `python examples/eight_schools.py`.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.testing import assert_allclose
from scipy.special import ndtr

import polars_pool as pool

SCHOOLS = pl.DataFrame(
    {
        "school": list("ABCDEFGH"),
        "effect": [28.0, 8, -3, 7, -1, 1, 18, 12],
        "se": [15.0, 10, 16, 11, 9, 11, 10, 18],
    }
)
PUBLISHED = {"value": "effect", "se": "se", "by": "school"}


Y, V = SCHOOLS["effect"].to_numpy(), SCHOOLS["se"].to_numpy() ** 2
STEP = 0.02


def conditional(tau: np.ndarray, m: float, s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log likelihood of tau less a constant; mean and precision of mu given tau; prior normal(m, s): BDA3, 5.20 f."""
    w = 1 / (V + tau**2)
    precision = w.sum(axis=1, keepdims=True) + 1 / s**2
    mu = ((w * Y).sum(axis=1, keepdims=True) + m / s**2) / precision
    squares = (w * (Y - mu) ** 2).sum(axis=1, keepdims=True) + (mu - m) ** 2 / s**2
    return (np.log(w).sum(axis=1, keepdims=True) - np.log(precision) - squares) / 2, mu, precision


def by_grid(m: float, s: float, log_prior: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    """The posterior by a fine grid of log tau: given tau, all distributions are normal, so that only a sum remains."""
    tau = np.exp(np.arange(-40, 12, STEP))[:, None]
    log_likelihood, mu, precision = conditional(tau, m, s)
    density = np.exp(log_likelihood + log_prior(tau))
    p = density * tau / (density * tau).sum()
    weight = tau**2 / (tau**2 + V)
    theta, variance = weight * Y + (1 - weight) * mu, weight * V + (1 - weight) ** 2 / precision

    def mean(x: np.ndarray) -> np.ndarray:
        return (p * x).sum(axis=0)

    return {
        "total": (density * tau).sum() * STEP,
        "log_tau": mean(np.log(tau)),
        "mu_positive": mean(ndtr(mu * np.sqrt(precision))),
        "new_positive": mean(ndtr(mu / np.sqrt(tau**2 + 1 / precision))),
        "theta": mean(theta),
        "theta_positive": mean(ndtr(theta / np.sqrt(variance))),
    }


FLAT = by_grid(0, 1e9, lambda tau: 0 * tau)
TUTORIALS = by_grid(0, 5, lambda tau: -np.log(1 + (tau / 5) ** 2))


def effect_of_tau() -> None:
    """BDA3, figures 5.5 to 5.7: the posterior density of tau, and the estimates of the schools at each tau."""
    tau = [0, 5, 10, 15, 20, 25]
    curve = pool.profile(SCHOOLS, **PUBLISHED, tau2=pool.Uniform(), tau=tau)
    schools = pool.profile(SCHOOLS, **PUBLISHED, tau=tau, groups=True).pivot("school", index="tau", values="estimate")

    log_likelihood, mu, precision = conditional(np.array(tau)[:, None], 0, 1e9)
    assert_allclose(curve["density"], (np.exp(log_likelihood) / FLAT["total"]).ravel(), rtol=1e-9)
    assert_allclose(curve["mu"], mu.ravel(), rtol=1e-9)
    assert_allclose(curve["se_mu"], precision.ravel() ** -0.5, rtol=1e-9)
    assert_allclose(schools.row(0)[1:], 7.685617, atol=5e-7)  # metafor: complete pooling

    print("\nEight schools: the posterior density of tau under a flat prior, and mu given tau\n")
    print(curve.select("tau", "density", "mu", "se_mu"))
    print("\nThe estimates for known tau\n")
    print(schools)


def posterior(title: str, prior: dict, grid: dict[str, np.ndarray], expected: dict[str, float]) -> None:
    """Print the effect of every school, mu, the effect of a new school and tau, with their probabilities above 0."""
    schools = pool.shrink(SCHOOLS, **PUBLISHED, **prior, threshold=0)
    model = pool.components(SCHOOLS, **PUBLISHED, **prior)
    for name, value in expected.items():
        assert_allclose(model[name].item(), value, atol=5e-8)
    for name in ("log_tau", "mu_positive", "new_positive"):
        assert_allclose(model[name], grid[name], rtol=1e-9)
    assert_allclose(schools["estimate"], grid["theta"], rtol=1e-9)
    assert_allclose(schools["p_above"], grid["theta_positive"], rtol=1e-9)

    def row(name: str, above: str | None) -> pl.DataFrame:
        columns = {"estimate": name, "se": f"se_{name}", "lower": f"{name}_lower", "upper": f"{name}_upper"}
        return model.select(pl.lit(name).alias("school"), **columns, p_above=above or pl.lit(1.0))

    others = [row("mu", "mu_positive"), row("new", "new_positive"), row("tau", None)]
    print(f"\nEight schools: {title}; p_above is the probability of a value above 0\n")
    print(pl.concat([schools.select("school", "estimate", "se", "lower", "upper", "p_above"), *others]))
    print(f"\nE(log tau) = {model['log_tau'].item():.10f}")


def as_in_the_textbook() -> None:
    """BDA3: flat priors on tau and mu. The expected values come from the quadrature in R."""
    prior = {"tau2": pool.Uniform()}
    expected = {"tau": 6.57548335, "tau_median": 5.23851472, "mu": 7.93237502, "mu_lower": -2.09022038}
    posterior("tau and mu flat", prior, FLAT, expected | {"new_upper": 28.86033211})

    # Table 5.3 contains the rounded quartiles of 200 draws.
    half = pool.shrink(SCHOOLS, **PUBLISHED, **prior, level=0.5)
    assert_allclose(half["lower"], [7, 3, 2, 4, 1, 2, 7, 3], atol=1.1)
    assert_allclose(half["upper"], [16, 12, 11, 11, 10, 10, 15, 13], atol=1.1)

    # In 141 of these draws, A is better than C; in 22, the best of the eight schools is above 28.4.
    draws = pool.posterior_draws(SCHOOLS, **PUBLISHED, **prior, draws=10_000, seed=1)
    wide = draws.pivot("school", index="draw", values="theta")
    better, best = wide.select(
        (pl.col("A") > pl.col("C")).mean(), best=(pl.max_horizontal(*"ABCDEFGH") > 28.4).mean()
    ).row(0)
    assert_allclose([better, best], [141 / 200, 22 / 200], atol=0.06)
    print(f"A is better than C: {better:.2f}; the best is above 28.4: {best:.2f}")


def as_in_the_tutorials() -> None:
    """The tutorials of PyMC and Stan: tau half-Cauchy(5), mu normal(0, 5); here without a sampler."""
    prior = {"tau2": pool.HalfCauchy(5), "mu": pool.Normal(0, 5)}
    expected = {"tau": 3.59770548, "tau_median": 2.74873108, "mu": 4.39682071, "mu_lower": -2.16839594}
    posterior("tau half-Cauchy(5), mu normal(0, 5)", prior, TUTORIALS, expected | {"new_upper": 15.78083093})

    # Tutorials compare samplers with 0.7658, the mean of a long chain, as if it were the exact value.
    assert_allclose(TUTORIALS["log_tau"], 0.8021392108, atol=5e-11)
    print("The 0.7658 in the tutorials was sampled itself: the difference is Monte Carlo error.")


def fifty_schools() -> None:
    """Pupils of 50 simulated schools, 2 to 60 in each, with tau = 3, sigma = 10 and mu = 63, all integrated out."""
    rng = np.random.default_rng(50)
    sizes, means = rng.integers(2, 61, size=50), rng.normal(63, 3, size=50)
    school = np.repeat(np.arange(50), sizes)
    pupils = pl.DataFrame({"school": school, "score": rng.normal(means[school], 10)})

    priors = {"tau2": pool.HalfCauchy(5), "sigma2": pool.Jeffreys()}
    schools = pool.shrink(pupils, "score", by="school", **priors).with_columns(truth=means)
    model = pool.components(pupils, "score", by="school", **priors)
    coverage = schools.select(pl.col("truth").is_between("lower", "upper").mean()).item()
    errors = schools.select((pl.col("mean", "estimate") - pl.col("truth")).pow(2).mean().sqrt()).row(0)

    assert errors[1] < 0.9 * errors[0]
    assert 0.86 <= coverage <= 1  # 95 % of 50 schools, within three standard errors
    assert model["tau_lower"].item() < 3 < model["tau_upper"].item()
    assert model["mu_lower"].item() < 63 < model["mu_upper"].item()
    assert abs(model["sigma2"].item() - 10**2) < 3 * model["se_sigma2"].item()

    print("\nFifty simulated schools: tau = 3, sigma2 = 100, mu = 63\n")
    print(
        model.select(
            "groups", "n", "sigma2", "se_sigma2", "tau", "tau_lower", "tau_upper", "mu", "mu_lower", "mu_upper"
        )
    )
    print("\nThe smallest and the largest\n")
    by_size = schools.sort("n")
    ends = pl.concat([by_size.head(3), by_size.tail(3)])
    print(ends.select("school", "n", "truth", "mean", "estimate", "se", "lower", "upper"))
    print(f"\nRoot mean squared error: raw means {errors[0]:.2f}, pooled {errors[1]:.2f};", end=" ")
    print(f"{coverage:.0%} of the 95 % intervals contain the true mean")


def main() -> None:
    with pl.Config(
        tbl_formatting="MARKDOWN",
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_cell_numeric_alignment="RIGHT",
        tbl_rows=12,
        tbl_cols=10,
        tbl_width_chars=120,
        float_precision=3,
    ):
        effect_of_tau()
        as_in_the_textbook()
        as_in_the_tutorials()
        fifty_schools()


if __name__ == "__main__":
    main()
