# Nested levels: lme4 on rows, by REML and ML, polished, and the same optimum by nlme; metafor's rma.mv on published
# estimates: Konstantopoulos (2011), "Fixed effects and variance components estimation in three-level meta-analysis",
# Research Synthesis Methods 2(1).

source("common.R")
source("lmer.R")
suppressPackageStartupMessages(library(nlme))
suppressPackageStartupMessages(library(metafor))

# lme4 names a node "inner:outer", metafor "outer/inner".
keys_of <- function(names, by, separator, inner_first) {
  parts <- strsplit(names, separator, fixed = TRUE)
  if (inner_first) parts <- lapply(parts, rev)
  columns <- lapply(seq_along(parts[[1]]), function(depth) vapply(parts, `[`, "", depth))
  setNames(columns, by[seq_along(columns)])
}

# ---- rows: lme4 and nlme ----

# 2000 steps of EM bring nlme to the optimum, where its default of 25 leaves nlminb short.
by_nlme <- function(fixed, random, data, reml) {
  control <- lmeControl(
    niterEM = 2000, rel.tol = 1e-15, x.tol = 1e-15, msMaxIter = 1000, msMaxEval = 1000,
    returnObject = TRUE
  )
  fit <- suppressWarnings(lme(fixed, data, random, method = if (reml) "REML" else "ML", control = control))
  tau2 <- vapply(fit$modelStruct$reStruct, function(block) as.matrix(block)[1], 0) * fit$sigma^2
  list(tau2 = unname(rev(tau2)), sigma2 = fit$sigma^2, mu = unname(nlme::fixef(fit)), logLik = as.numeric(logLik(fit)))
}

# The effects of the nodes of a level and lme4's conditional variances.
effects_of <- function(effects, by) {
  list(
    keys = keys_of(rownames(effects), by, ":", TRUE),
    effect = effects[[1]],
    condVar = as.vector(attr(effects, "postVar"))
  )
}

# The log likelihood without the first level, and without the second.
without_each_level <- function(formula, data, by, reml) {
  terms <- c(sprintf("(1 | %s:%s)", by[1], by[2]), sprintf("(1 | %s)", by[1]))
  one_level <- function(term) {
    as.numeric(logLik(polished_lmer(as.formula(sprintf("%s ~ 1 + %s", deparse(formula[[2]]), term)), data, reml)))
  }
  vapply(terms, one_level, 0, USE.NAMES = FALSE)
}

of_rows <- function(formula, fixed, random, data, by, reml) {
  fit <- polished_lmer(formula, data, reml)
  outer_first <- rev(names(lme4::VarCorr(fit)))
  if (outer_first[1] != by[1]) outer_first <- rev(outer_first)
  list(
    call = call_of(formula, reml),
    sigma2 = sigma(fit)^2,
    tau2 = I(unname(vapply(outer_first, function(name) lme4::VarCorr(fit)[[name]][1], 0))),
    mu = unname(lme4::fixef(fit)),
    se_mu = sqrt(as.matrix(vcov(fit))[1]),
    logLik = as.numeric(logLik(fit)),
    df = attr(logLik(fit), "df"),
    n_obs = nobs(fit),
    levels = lapply(unname(lme4::ranef(fit, condVar = TRUE)[outer_first]), effects_of, by = by),
    lrt = I(2 * (as.numeric(logLik(fit)) - without_each_level(formula, data, by, reml))),
    nlme = by_nlme(fixed, random, data, reml)
  )
}

rows <- function(name, value, by, note = "") {
  data <- read_data(name)
  data[by] <- lapply(data[by], factor)
  fixed <- as.formula(sprintf("%s ~ 1", value))
  nested <- paste(by, collapse = "/")
  formula <- as.formula(sprintf("%s ~ 1 + (1 | %s)", value, nested))
  random <- as.formula(sprintf("~ 1 | %s", nested))
  list(
    case = paste0("nested_", name),
    versions = versions("lme4", "nlme", "Matrix", "minqa", "nloptr", "numDeriv"),
    input = sprintf("data/%s.csv", name),
    value = value,
    by = I(by),
    note = note,
    REML = of_rows(formula, fixed, random, data, by, TRUE),
    ML = of_rows(formula, fixed, random, data, by, FALSE)
  )
}

# ---- published estimates: metafor ----

# The optimum of metafor's own log likelihood in log sigma2, where nlminb stops up to 1e-6 short.
at_optimum <- function(fixed_at, start) {
  theta <- log(start)
  deviance <- function(u) -2 * as.numeric(logLik(fixed_at(exp(theta + (u - 1)))))
  for (step in 1:6) {
    here <- rep(1, length(theta))
    gradient <- numDeriv::grad(deviance, here, method.args = list(d = 0.1, r = 4))
    hessian <- numDeriv::hessian(deviance, here, method.args = list(d = 0.1, r = 4))
    theta <- theta - solve(hessian, gradient)
  }
  exp(theta)
}

# The profile-likelihood interval of the j-th of metafor's sigma2, as its confint(), with tight tolerances; the other
# sigma2 by golden section and parabolas.
profile_limits <- function(fixed_at, sigma2, j) {
  lowest <- -2 * as.numeric(logLik(fixed_at(sigma2)))
  drop <- qchisq(0.95, 1)
  at <- function(x) {
    deviance <- function(log_other) {
      -2 * as.numeric(logLik(fixed_at(if (length(sigma2) == 1) x else replace(rep(exp(log_other), 2), j, x))))
    }
    if (length(sigma2) == 1) return(deviance(NA) - lowest - drop)
    other <- log(sigma2[3 - j])
    optimize(deviance, c(other - 3, other + 3), tol = 1e-9)$objective - lowest - drop
  }
  lower <- uniroot(at, c(sigma2[j] / 50, sigma2[j]), tol = 1e-14)$root
  upper <- uniroot(at, c(sigma2[j], sigma2[j] * 50), tol = 1e-14)$root
  c(lower, upper)
}

of_estimates <- function(data, random, by, method) {
  fixed_at <- function(sigma2) rma.mv(yi, vi, random = random, data = data, method = method, sigma2 = sigma2)
  default <- rma.mv(yi, vi, random = random, data = data, method = method)
  sigma2 <- at_optimum(fixed_at, default$sigma2)
  fit <- fixed_at(sigma2)
  effects <- unname(unclass(ranef(fit))[seq_along(by)])
  list(
    call = sprintf("rma.mv(yi, vi, random = %s, method=\"%s\") -> Newton on its logLik", deparse1(random), method),
    sigma2 = I(sigma2),
    beta = as.vector(fit$beta),
    se = fit$se,
    ci_lb = fit$ci.lb,
    ci_ub = fit$ci.ub,
    logLik = as.numeric(logLik(fit)),
    pi_lb = predict(fit)$pi.lb,
    pi_ub = predict(fit)$pi.ub,
    levels = lapply(effects, function(x) {
      list(keys = keys_of(rownames(x), by, "/", FALSE), effect = x$intrcpt, se = x$se)
    }),
    lrt = I(2 * (as.numeric(logLik(fit)) - vapply(seq_along(sigma2), function(j) {
      # Of the other sigma2, nlminb is within 1e-6 of the optimum, and the likelihood within the square of it.
      as.numeric(logLik(rma.mv(
        yi, vi, random = random, data = data, method = method, sigma2 = replace(rep(NA, length(sigma2)), j, 0)
      )))
    }, 0))),
    profile_limits = lapply(seq_along(sigma2), function(j) I(profile_limits(fixed_at, sigma2, j))),
    confint = confint_of(default)
  )
}

# metafor's own interval from its default fit.
confint_of <- function(fit) {
  limits <- confint(fit)
  if (length(fit$sigma2) == 1) limits <- list(limits)
  lapply(seq_along(fit$sigma2), function(j) I(unname(limits[[j]]$random[1, 2:3])))
}

estimates <- function(case, by) {
  data <- read_data("konstantopoulos2011")
  random <- as.formula(sprintf("~ 1 | %s", paste(by, collapse = "/")))
  list(
    case = case,
    versions = versions("metafor", "metadat", "numDeriv"),
    input = "data/konstantopoulos2011.csv",
    by = I(by),
    REML = of_estimates(data, random, by, "REML"),
    ML = of_estimates(data, random, by, "ML")
  )
}

write_vector("nested_Pastes", rows("Pastes", "strength", c("batch", "cask")))
write_vector("nested_Oxide", rows("Oxide", "Thickness", c("Lot", "Wafer")))
write_vector("nested_Oats", rows("Oats", "yield", c("Block", "Variety"), "the treatment nitro is left out"))
write_vector("nested_Pixel", rows("Pixel", "pixel", c("Dog", "Side"), "unbalanced; the covariate day is left out"))
write_vector("rmamv_konstantopoulos2011_district", estimates("konstantopoulos2011_district", "district"))
write_vector("rmamv_konstantopoulos2011_district_school", estimates(
  "konstantopoulos2011_district_school", c("district", "school")
))
