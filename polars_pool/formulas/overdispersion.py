"""Rates of groups that differ: the excess of events, moments of the prior, errors of its parameters.

Sources: Dekker (1971), Numerische Mathematik 18; Kleinman (1973), JASA 68; Buehlmann & Straub (1970), Mitt. Ver.
Schweiz. Versich.-Math. 70.
"""

from .elementary import Column, where

SPLITTER = 2.0**27 + 1  # halves of a double whose products are exact
FARTHEST = 1e290  # beyond, the products overflow


def excess(x: Column, n: Column, mean: Column) -> Column:
    """x - n mean as if the product were exact: the upper half of a double leaves a lower one (Dekker 1971)."""
    product = n * mean
    n_high, mean_high = _upper_half(n), _upper_half(mean)
    n_low, mean_low = n - n_high, mean - mean_high
    error = ((n_high * mean_high - product) + n_high * mean_low + n_low * mean_high) + n_low * mean_low
    return x - product - where(n < FARTHEST, error, 0.0)


def _upper_half(a: Column) -> Column:
    return SPLITTER * a - (SPLITTER * a - a)


def of_trials(squares: Column, rate: Column, noise: Column, spread: Column) -> Column:
    """The overdispersion 1 / (1 + alpha + beta) whose variance is that of the raw rates less the binomial one.

    `squares` = sum(excess^2 / n), `noise` = J - 1 and `spread` = N - sum(n^2) / N (Kleinman 1973).
    """
    return (squares - rate * (1 - rate) * noise) / (rate * (1 - rate) * (spread - noise))


def of_exposure(squares: Column, rate: Column, noise: Column, spread: Column) -> Column:
    """The overdispersion 1 / shape whose variance is that of the raw rates less the Poisson one."""
    return (squares - noise * rate) / (rate * rate * spread)


def variance_of_log(by_mean: Column, var_mean: Column, cov: Column, var_size: Column) -> Column:
    """The variance of the log of a parameter of the prior, from those of the mean's logit, or log, and the size's log.

    `by_mean` is its derivative by the former: 1 - mean for alpha, -mean for beta, 0 for the shape, -1 for the rate.
    """
    return by_mean * by_mean * var_mean + 2 * by_mean * cov + var_size
