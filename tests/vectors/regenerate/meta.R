# Random-effects meta-analysis by every estimator of metafor: Viechtbauer (2010), "Conducting meta-analyses in R with
# the metafor package", Journal of Statistical Software 36(3).

source("common.R")
suppressPackageStartupMessages(library(metafor))

METHODS <- c("EE", "FE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
CONTROL <- list(
  ML = list(threshold = 1e-15, maxiter = 1e5, stepadj = 1),
  PM = list(tol = 1e-15, maxiter = 1e5, tau2.max = 1e6)
)
CONTROL[c("REML", "EB")] <- CONTROL["ML"]
CONTROL[c("PMM", "GENQ")] <- CONTROL["PM"]

# The result of one method; test="knha" is Knapp & Hartung (2003). weights is the name of a column.
result <- function(data, method, weights = NULL) {
  fit <- function(test) {
    arguments <- list(data$yi, data$vi, method = method, test = test, control = CONTROL[[method]])
    do.call(rma, c(arguments, if (!is.null(weights)) list(weights = data[[weights]])))
  }
  z <- fit("z")
  t <- suppressWarnings(fit("knha")) # that EE and FE have no use of it
  random <- !method %in% c("EE", "FE") && is.null(weights)
  control <- deparse1(c(list(), CONTROL[[method]]))
  weighted <- if (is.null(weights)) "" else sprintf(", weights=%s", weights)
  compact(list(
    call = sprintf("rma(yi, vi, method=\"%s\"%s, control=%s)", method, weighted, gsub(" = ", "=", control)),
    tau2 = z$tau2,
    se_tau2 = or_null(z$se.tau2),
    beta = I(as.vector(z$beta)),
    se = I(z$se),
    QE = z$QE,
    QEp = z$QEp,
    I2 = z$I2,
    H2 = z$H2,
    tightness = 1e-15,
    blup = if (random) unclass(blup(z))[c("pred", "se")],
    ranef = if (random) unclass(ranef(z))["se"],
    ci_lb = I(z$ci.lb),
    ci_ub = I(z$ci.ub),
    pval = I(z$pval),
    logLik_ml = z$fit.stats["ll", "ML"],
    logLik_reml = z$fit.stats["ll", "REML"],
    knha = list(se = I(t$se), ci_lb = I(t$ci.lb), ci_ub = I(t$ci.ub), pval = I(t$pval), df = t$ddf, s2w = t$s2w),
    predict = if (is.null(weights)) list(pi_lb = or_null(predict(z)$pi.lb), pi_ub = or_null(predict(z)$pi.ub)),
    confint_tau2 = if (method %in% c("DL", "SJ", "ML", "REML", "EB", "PM")) q_profile(z)
  ))
}

or_null <- function(x) if (is.null(x)) NA else x

compact <- function(fields) Filter(Negate(is.null), fields)

# Viechtbauer (2007), "Confidence intervals for the amount of heterogeneity in meta-analysis".
q_profile <- function(fit) {
  bounds <- confint(fit, control = list(tol = 1e-12, maxiter = 1e5, tau2.max = 1e6))$random
  rows <- lapply(c(tau2 = "tau^2", I2 = "I^2(%)", H2 = "H^2"), function(row) unname(bounds[row, ]))
  c(list(type = "Q-profile"), rows, list(columns = c("estimate", "ci_lb", "ci_ub")))
}

meta <- function(case, name, note, by, data = read_data(name), more = list()) {
  list(
    case = case,
    versions = versions("metafor", "metadat", algebra = FALSE),
    input = sprintf("data/%s.csv", name),
    note = note,
    by = by,
    results = c(lapply(setNames(METHODS, METHODS), result, data = data), more)
  )
}

bcg <- read_data("bcg")
schools <- transform(read_data("eight_schools"), yi = y, vi = se^2)

write_vector("meta_bcg", meta(
  "meta_bcg", "bcg", "log risk ratio, escalc(measure='RR')", "trial",
  more = list(GENQ_w_n = result(bcg, "GENQ", weights = "ni"))
))
write_vector("meta_eight_schools", meta("meta_eight_schools", "eight_schools", "vi = se^2", "school", schools))
write_vector("meta_konstantopoulos2011_flat", meta(
  "meta_konstantopoulos2011_flat", "konstantopoulos2011", "nesting ignored: 56 schools as independent", "study"
))
write_vector("meta_raudenbush1985", meta("meta_raudenbush1985", "raudenbush1985", "", "study"))
