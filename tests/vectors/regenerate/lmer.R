# The maximum of lme4's own (restricted) likelihood beyond the tolerance of lmer: Bates et al. (2015), "Fitting linear
# mixed-effects models using lme4", Journal of Statistical Software 67(1), section 3.

suppressPackageStartupMessages(library(lme4))

tight <- lmerControl(
  "bobyqa",
  optCtrl = list(rhoend = 1e-12, maxfun = 1e5), calc.derivs = FALSE, check.conv.singular = "ignore"
)

# lmer by bobyqa with a tight tolerance, then Newton's method on the profiled deviance, and lmer at that theta.
polished_lmer <- function(formula, data, reml, weights = NULL) {
  environment(formula) <- environment() # where lmer looks for the weights
  deviance <- lmer(formula, data, REML = reml, weights = weights, devFunOnly = TRUE)
  start <- lmer(formula, data, REML = reml, weights = weights, control = tight)
  theta <- polish(deviance, getME(start, "theta"), getME(start, "lower"))
  at_theta <- lmerControl(optimizer = NULL, calc.derivs = FALSE, check.conv.singular = "ignore")
  lmer(formula, data, REML = reml, weights = weights, start = theta, control = at_theta)
}

# Newton's method on the components of theta that are not 0 at the boundary. Derivatives are differences extrapolated
# from wide steps, a tenth of theta, which keep the rounding of the deviance out of them.
polish <- function(deviance, theta, lower) {
  free <- theta > 1e-6 | lower < 0
  theta[!free] <- 0
  wide <- list(d = 0.1, r = 4)
  for (step in seq_len(4 * any(free))) {
    unit <- pmax(abs(theta[free]), 0.1)
    moved <- function(u) deviance(replace(theta, free, theta[free] + (u - 1) * unit))
    here <- rep(1, sum(free))
    gradient <- numDeriv::grad(moved, here, method.args = wide)
    hessian <- numDeriv::hessian(moved, here, method.args = wide)
    theta[free] <- theta[free] - unit * solve(hessian, gradient)
  }
  theta
}

call_of <- function(formula, reml) {
  sprintf(
    "lmer(%s, REML=%s) -> bobyqa rhoend=1e-12 -> Newton polish on lme4 devfun -> lmer(start=theta, optimizer=NULL)",
    deparse1(formula), reml
  )
}
