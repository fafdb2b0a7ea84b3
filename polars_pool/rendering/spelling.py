"""Words about an argument in the spelling of SQL: texts in single quotes, priors as texts, the macro's own words."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..formulas.priors import OF_MU, OF_RATES, OF_TAU

PRIORS = {prior.__name__: prior.name for prior in (*OF_TAU.values(), *OF_MU.values(), *OF_RATES.values())}
TEXTS = re.compile(r" \(also as a text,[^)]*\)[^)]*\)|, also as texts: `[^`]*`")
ONLY_IN_PYTHON = {
    ", a known number, or with a prior of tau2 also a prior of sigma.*": ", or a known number",
    r"\. `UniformShrinkage\(\)` integrates.*": "",
}
OTHER_ARGUMENTS = {  # what an argument means with another one, which not every macro has
    "n": ("; with `n` and `var` the stored mean", "; with stored moments their total `w`"),
    "se": ("; with `se` the published estimate",),
}
OWN = {  # in every macro
    "tbl": "The name of a table, a view or a CTE, or a Parquet glob in quotes",
    "n": "Stored count of every group, together with `var`; rows with equal keys are merged exactly",
    "var": "Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly",
    "folds": "A column or an expression whose values are the folds: each row is encoded from the rows of the other "
    "folds, and sigma2, tau2 and mu are estimated again without each fold. By default each row is encoded from all "
    "rows of its group, its own included; a model that is trained on these codes sees a part of its target",
}
OF_PUBLISHED = {"n": f"{OWN['n']}. With `se` optional: the number of rows behind a published estimate"}
OF_RATES_ONLY = {
    "value": "Column or expression of whole numbers: the events of each row",
    "over": "Keys of independent models, each with its own prior",
    "level": "Probability of the interval, between 0 and 1",
    "limits": "False leaves lower and upper out",
    "threshold": "A rate: adds `p_above`, `pep` and `q_value`",
    "uncertainty": "Which errors `se` includes. `'mu'` (default): the error of the prior's mean; "
    "`'conditional'`: none, as if the estimated prior were known",
}
OF_NESTED = {
    "outer": "Key of the outer level: a column or an expression, or several by name",
    "inner": "Key of the inner level: equal keys in different outer groups are different groups",
    "sigma2": "Variance within groups: `'pooled'` (default) or a known number",
    "tau2": "Variance between groups at both levels: `'reml'` (default) or `'ml'`, or a known number",
    "tau2_outer": "A known variance at the outer level, where the inner one may be estimated",
    "tau2_inner": "A known variance at the inner level, where the outer one may be estimated",
    "at": "The level of the result: `'inner'` (default), one row per pair of keys, or `'outer'`",
    "uncertainty": "Which errors `se` includes. `'mu'` (default): the error of mu; `'conditional'`: none, as if mu "
    "were known",
    "predict": "Chooses the quantity that `se`, `lower`, `upper` and `p_above` describe: the group's true `'mean'` "
    "(default); a new `'row'` of the group, for an outer group in a new inner group; or a `'replicate'` of its mean, a "
    "new observation of the mean with the same v",
}
OF_TOWARD = {
    "toward": "The predictor: a column or an expression of numbers or Booleans with one value in each group; several "
    "predictors and factors need Python",
    "tau2": "Variance between groups that the predictor leaves: the name of an estimator (`'reml'` by default; `'ml'`, "
    "`'dl'`, `'he'`, `'hs'`, `'sj'`, `'pm'`, `'eb'`) or a known number",
    "test": "How coefficients are tested: `'z'` (default), `'t'`, or `'knha'` and `'adhoc'` by Knapp & Hartung",
    "uncertainty": "Which errors `se` includes. `'mu'` (default): the error of the fit; `'conditional'`: none, as if "
    "the coefficients were known; `'tau2'`: those of the fit and of tau2",
}
OF_REGRESSION = {"x": "The covariate: a column or an expression of numbers or Booleans; a factor needs Python"}


def own_words(parameters: Collection[str]) -> dict[str, str]:
    """The words about arguments that mean something else than in Python, for a macro with these parameters."""
    own = OWN | (OF_PUBLISHED if "se" in parameters else {}) | (OF_REGRESSION if "x" in parameters else {})
    own |= OF_TOWARD if "toward" in parameters else {}
    own |= OF_NESTED if "inner" in parameters else {}
    return own | (OF_RATES_ONLY if not {"trials", "exposure"}.isdisjoint(parameters) else {})


def in_sql(words: str, parameters: Collection[str]) -> str:
    """The words of a docstring about one argument, for a macro with these parameters."""
    for name, clauses in OTHER_ARGUMENTS.items():
        for clause in clauses if name not in parameters else ():
            words = words.replace(clause, "")
    for words_of_python, others in ONLY_IN_PYTHON.items():
        words = re.sub(words_of_python, others, words)
    words = TEXTS.sub("", words)
    words = re.sub(rf"`({'|'.join(PRIORS)})\(([^)]*)\)`", lambda m: f"`'{PRIORS[m[1]]}({m[2]})'`", words)
    words = words.replace("A frame of the same library with", "The name of a table with")
    words = words.replace(", an expression of the library of the frame", "")
    return re.sub(r"`(\w+)=`", r"`\1`", words).replace('"', "'")
