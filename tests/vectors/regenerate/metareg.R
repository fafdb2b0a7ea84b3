# Meta-regression by every estimator of metafor that takes moderators: Raudenbush (2009), "Analyzing effect sizes:
# random-effects models"; Viechtbauer (2010), Journal of Statistical Software 36(3).

source("common.R")
suppressPackageStartupMessages(library(metafor))

METHODS <- c("REML", "ML", "DL", "HE", "HS", "SJ", "PM", "EB")
CONTROL <- list(
  ML = list(threshold = 1e-13, maxiter = 1e5, stepadj = 1),
  PM = list(tol = 1e-15, maxiter = 1e5, tau2.max = 1e6)
)
CONTROL[c("REML", "EB")] <- CONTROL["ML"]

# R^2 is computed from two fits, so that the one without moderators is iterated as far.
result <- function(data, mods, method) {
  fit <- function(mods, test) {
    rma(yi, vi, mods = mods, data = data, method = method, test = test, control = as.list(CONTROL[[method]]))
  }
  z <- fit(mods, "z")
  t <- fit(mods, "knha")
  without <- fit(~ 1, "z")
  tests <- function(z) {
    list(se = I(z$se), pval = I(z$pval), ci_lb = I(z$ci.lb), ci_ub = I(z$ci.ub), QM = z$QM, QMp = z$QMp)
  }
  compact <- function(fields) Filter(Negate(is.null), fields)
  control <- gsub(" = ", "=", deparse1(c(list(), CONTROL[[method]])))
  compact(c(
    list(
      call = sprintf("rma(yi, vi, mods=%s, method=\"%s\", control=%s)", deparse1(mods), method, control),
      tau2 = z$tau2,
      se_tau2 = z$se.tau2,
      beta = I(as.vector(z$beta)),
      vb = unname(as.matrix(z$vb)),
      QE = z$QE,
      QEp = z$QEp,
      I2 = z$I2,
      H2 = z$H2,
      R2 = max(0, 100 * (1 - z$tau2 / without$tau2)),
      logLik_ml = z$fit.stats["ll", "ML"],
      logLik_reml = z$fit.stats["ll", "REML"]
    ),
    tests(z),
    list(
      knha = c(tests(t), list(df = t$ddf[1], s2w = t$s2w)),
      blup = unclass(blup(z))[c("pred", "se")],
      fitted = c(list(pred = I(as.vector(fitted(z)))), list(se = I(predict(z)$se))),
      predict = list(pi_lb = I(predict(z)$pi.lb), pi_ub = I(predict(z)$pi.ub)),
      confint_tau2 = if (method %in% c("DL", "SJ", "ML", "REML", "EB", "PM")) q_profile(z)
    )
  ))
}

q_profile <- function(fit) {
  I(unname(confint(fit, control = list(tol = 1e-12, maxiter = 1e5, tau2.max = 1e6))$random["tau^2", ]))
}

meta_regression <- function(case, name, by, mods, data = read_data(name), note = "") {
  list(
    case = case,
    versions = versions("metafor", "metadat", algebra = FALSE),
    input = sprintf("data/%s.csv", name),
    note = note,
    by = by,
    terms = I(colnames(model.matrix(mods, data))),
    results = lapply(setNames(METHODS, METHODS), result, data = data, mods = mods)
  )
}

# Counties by the means of their houses, with a known variance of 0.6 within them.
counties <- function() {
  radon <- read_data("radon")
  means <- aggregate(cbind(yi = log_radon, log_uranium) ~ county, radon, mean)
  transform(means, vi = 0.6 / as.vector(table(radon$county)[as.character(means$county)]))
}

write_vector("metareg_bcg_ablat", meta_regression("metareg_bcg_ablat", "bcg", "trial", ~ ablat))
write_vector("metareg_bcg_ablat_year", meta_regression("metareg_bcg_ablat_year", "bcg", "trial", ~ ablat + year))
write_vector("metareg_raudenbush1985_weeks", meta_regression(
  "metareg_raudenbush1985_weeks", "raudenbush1985", "study", ~ weeks
))
write_vector("metareg_radon_uranium", meta_regression(
  "metareg_radon_uranium", "radon", "county", ~ log_uranium, counties(), "vi = 0.6 / n of the county's houses"
))
