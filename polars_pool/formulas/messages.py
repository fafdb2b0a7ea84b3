"""The sentences that Python and SQL both raise: templates, filled by `.format` here and rendered as macros of DuckDB.

Arguments are filled in as they are shown: texts in quotes, numbers as such. `names` is a list of names, `nearest` a
hint or nothing.
"""

# ---- one argument ---------------------------------------------------------------------------------------------------

ONE_OF = "{role}={argument}; give one of {names}{nearest}"
NUMBER_OR_ONE_OF = "{role}={argument}; give {number}, or one of {names}{nearest}"
LEVEL = "level={argument}; give a number between 0 and 1, such as 0.95{nearest}"
THRESHOLD = "threshold={argument}; give {number}, in units of the value"
TAUS = "{tau}; give a list of numbers, each 0 or more, such as [0, 1, 2]"
NO_PRIOR = "{role}={argument} is no prior; give one of {forms}{nearest}"
WRONG_PRIOR = "{role}={argument}: give {rule}"

# ---- columns and keys -----------------------------------------------------------------------------------------------

SEVERAL_COLUMNS = "{role} stands for {count} columns, {names}; give one"
NO_NUMBERS = "{role}={name} is {type}; give a column of numbers or Booleans"
KEY_TWICE = "the key {key} appears twice in by= and over=; name each key once"
KEY_OF_RESULT = "the key {key} bears the name of a result column ({names}); rename it first"

# ---- arguments that do not go together ------------------------------------------------------------------------------

WITH_PUBLISHED = "{role}= does not go with se=: published estimates carry their error in se alone"
HALF_OF_MOMENTS = "{role}= without {missing}=; stored moments need both, published estimates need se="
VARIANCE_OF_PUBLISHED = "sigma2={argument} does not go with se=: the sampling variance is known, se squared"
WITHOUT_COUNTS = "{role}={argument} needs row counts, which se= does not give: pass n=, or one of {names}"
UNFIT = "{role}={argument} does not fit {source}: give a number, or one of {names}"
PRIOR_BESIDE_ESTIMATE = (
    "{role}={argument} does not go with tau2={tau2}, an estimate: give tau2 as a number or a prior such as "
    "'half_cauchy(5)'"
)
MU_BESIDE_PRIOR = (
    "mu={argument} does not go with a prior of tau2, where mu is integrated out: give 'gls', a number, or a prior such "
    "as 'normal(0, 5)'"
)
PRIOR_REFUSED = "{role}={argument} does not go with {verb}: give a number or the name of an estimator"
BESIDE_PRIOR = "{role}={argument} does not go with a prior: {reason}"
MU_HAS_POSTERIOR = "mu has a posterior"
TAU2_HAS_POSTERIOR = "tau2 has a posterior"
POSTERIOR_HOLDS_ERRORS = "the posterior holds the errors of mu and tau2"
NOT_OF_POSTERIOR = "interval={argument} does not go with a prior: give 'central' or 'shortest'"
OF_POSTERIOR = "interval={argument} applies to a posterior only: give a prior of tau2 or mu, or {others}"
ROBUST_PREDICTION = (
    "interval='robust' does not go with predict={argument}: it covers the true means; give predict='mean'"
)
ROW_OF_PUBLISHED = (
    "predict='row' does not go with se=: published estimates do not give the variance of a row; choose 'mean' or "
    "'replicate'"
)
ERROR_UNKNOWN = (
    "uncertainty='tau2' does not fit tau2={argument}, which has no standard error: give a number, or one of {names}"
)
ERROR_OF_RATES = (
    "uncertainty='tau2' does not go with {role}=: rates have an overdispersion and no tau2; give 'mu' or 'conditional'"
)
PROFILE_LIMITS = "limits='profile' does not fit tau2={argument}: give limits='q', or tau2 as one of {names}"
PROFILE_TAU2 = "tau2={argument} does not fit a profile: give a prior such as 'half_cauchy(5)', or nothing"
PROFILE_MU = "mu={argument} does not fit a profile, where mu is the most likely: give 'gls' or a number"

# ---- data -----------------------------------------------------------------------------------------------------------

BAD_WEIGHTS = (
    "{weights} is null, NaN, negative or infinite in {rows}: precision weights are finite and not negative; a row of "
    "weight 0 does not count"
)
BAD_N = "{n} is null, NaN, negative or infinite in {rows}: n is a count of rows, a whole number of 0 or more"
BAD_VAR = "{var} is null, NaN, negative or infinite in {rows}: var is a sample variance, 0 or more wherever n > 1"
BAD_SE = (
    "{se} is null, NaN or negative in {rows}: a standard error is 0 or more, and infinite for an estimate without "
    "information; leave out rows without one, with drop_nulls() in Polars or WHERE ... IS NOT NULL in SQL"
)
NOT_FINITE_IN_ROWS = "{argument} is NaN or infinite in {rows}: remove them, or count them as missing with nan='null'"
NO_COUNT = "{value} is negative or fractional in {rows}: a count is a whole number of 0 or more"
NO_TRIALS = "{trials} is negative or fractional in {rows}: trials are a whole number of 0 or more"
NO_EXPOSURE = "{exposure} is 0 or negative in {rows}: an exposure is a number above 0"
NO_FOLD = "folds= is null in {rows}: give each row a fold, or leave these rows out"
MORE_THAN_TRIALS = "{value} exceeds {trials} in {rows}: there are no more events than trials"
NOT_FINITE = "the {role} {name} holds NaN or infinite numbers: remove them, or count them as missing with nan='null'"
FEW_GROUPS = (
    "tau2={argument} needs {least} groups at least, and there {groups}: the posterior has no finite total; give a "
    "proper prior, such as 'half_cauchy(5)'"
)
IMPROPER_AT_ZERO = (
    "tau2={argument} leaves the posterior improper at tau = 0, which groups without sampling variance ask for; give "
    "tau2 as a number"
)
PREDICTOR_MISSING = (
    "toward='{name}' is null, NaN or infinite in rows of {groups}: each group needs its predictors; fill them in, or "
    "leave these groups out"
)
PREDICTOR_VARIES = (
    "toward='{name}' varies within {groups}: a predictor has one value for each group; regress() has covariates that "
    "vary within groups"
)
PREDICTOR_CONSTANT = (
    "toward='{name}' is the same in every group, so it cannot be distinguished from the intercept: leave it out"
)
