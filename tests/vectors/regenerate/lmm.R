# Linear mixed models with covariates: lme4 by REML and ML, polished, and the same optimum by nlme.

source("common.R")
source("lmer.R")
suppressPackageStartupMessages(library(nlme))

# Every variance and covariance of the random effects, and the residual variance.
components <- function(fit) as.data.frame(lme4::VarCorr(fit))$vcov

furthest <- function(a, b) max(abs(a / b - 1))

random_part <- function(block) {
  cov <- matrix(as.vector(block), nrow(block))
  correlation <- if (nrow(block) > 1) cov2cor(cov)
  list(names = I(rownames(block)), cov = cov, sd = I(sqrt(diag(cov))), cor = correlation)
}

# The effects of each group and their conditional covariance matrix, null between the effects of separate terms, which
# lme4 does not report.
effects_of <- function(fit) {
  effects <- lme4::ranef(fit, condVar = TRUE)[[1]]
  posterior <- attr(effects, "postVar")
  blocks <- if (is.list(posterior)) posterior else list(posterior)
  term <- rep(seq_along(blocks), vapply(blocks, nrow, 1L))
  covariance <- function(j) {
    full <- matrix(NA_real_, length(term), length(term))
    full[outer(term, term, "==")] <- unlist(lapply(blocks, function(block) block[, , j]))
    if (length(term) == 1) full[1] else full
  }
  columns <- setNames(as.list(effects), paste0("u_", names(effects)))
  c(list(group = rownames(effects)), columns, list(condVar = lapply(seq_len(nrow(effects)), covariance)))
}

# nlme: Pinheiro & Bates (2000), "Mixed-Effects Models in S and S-PLUS". 2000 steps of EM bring it to the optimum, where
# its default of 25 leaves nlminb up to 2e-5 short.
by_nlme <- function(fixed, random, data, reml) {
  control <- lmeControl(
    niterEM = 2000, rel.tol = 1e-15, x.tol = 1e-15, msMaxIter = 1000, msMaxEval = 1000,
    returnObject = TRUE
  )
  # nlminb warns of singular convergence at so tight a tolerance.
  suppressWarnings(lme(fixed, data, random, method = if (reml) "REML" else "ML", control = control))
}

criterion <- function(fit) -2 * as.numeric(logLik(fit))

# How far lmer as it comes, lmer with a tight tolerance, and nlme are from the polished fit.
agreement <- function(fit, formula, fixed, random, data, reml) {
  default <- lme4::lmer(formula, data, REML = reml)
  tightened <- lme4::lmer(formula, data, REML = reml, control = tight)
  deviance <- lme4::lmer(formula, data, REML = reml, devFunOnly = TRUE)
  theta <- unname(lme4::getME(fit, "theta"))
  other <- by_nlme(fixed, random, data, reml)
  nlme_variances <- unname(c(diag(as.matrix(other$modelStruct$reStruct[[1]])), 1) * other$sigma^2)
  variances <- with(as.data.frame(lme4::VarCorr(fit)), vcov[is.na(var2)])
  list(
    criterion_default_tight_polished = c(criterion(default), criterion(tightened), criterion(fit)),
    max_rel_diff_varcomp_default_vs_polished = furthest(components(default), components(fit)),
    max_rel_diff_varcomp_tight_vs_polished = furthest(components(tightened), components(fit)),
    gradient_at_solution = I(numDeriv::grad(deviance, theta)),
    theta_on_boundary = I(theta == unname(lme4::getME(fit, "lower"))),
    optimizer_used = tightened@optinfo$optimizer,
    nlme_variances = as.numeric(format(nlme_variances, digits = 15)),
    nlme_varcomp_full_precision = nlme_variances,
    nlme_logLik = as.numeric(logLik(other)),
    nlme_fixef = unname(nlme::fixef(other)),
    max_rel_diff_varcomp_nlme_vs_polished = furthest(nlme_variances, variances)
  )
}

likelihood <- function(formula, fixed, random, data, reml) {
  fit <- polished_lmer(formula, data, reml)
  list(
    call = call_of(formula, reml),
    sigma2 = sigma(fit)^2,
    sigma = sigma(fit),
    theta = I(unname(lme4::getME(fit, "theta"))),
    varcomp = lapply(lme4::VarCorr(fit), random_part),
    fixef = as.list(lme4::fixef(fit)),
    vcov_fixef = unname(as.matrix(vcov(fit))),
    logLik = as.numeric(logLik(fit)),
    criterion = criterion(fit),
    df = attr(logLik(fit), "df"),
    n_obs = nobs(fit),
    ranef = setNames(list(effects_of(fit)), names(lme4::ranef(fit))),
    agreement = agreement(fit, formula, fixed, random, data, reml)
  )
}

mixed <- function(name, by, case, input, note, formula, fixed, random, prepared = identity) {
  data <- prepared(read_data(name, stringsAsFactors = TRUE))
  data[[by]] <- factor(data[[by]])
  list(
    case = case,
    versions = versions("lme4", "nlme", "Matrix", "minqa", "nloptr", "numDeriv"),
    input = input,
    note = note,
    REML = likelihood(formula, fixed, random, data, TRUE),
    ML = likelihood(formula, fixed, random, data, FALSE)
  )
}

sleepstudy <- function(...) mixed("sleepstudy", "Subject", ..., input = "lme4_sleepstudy.csv")
radon <- function(...) mixed("radon", "county", ..., input = "rstanarm_radon.csv", note = "")
oats <- function(...) mixed("Oats", "Block", ..., input = "nlme_Oats.csv", random = ~ 1 | Block)

write_vector("lmm_sleepstudy_ri", sleepstudy(
  case = "lmm_sleepstudy_ri", note = "",
  formula = Reaction ~ Days + (1 | Subject), fixed = Reaction ~ Days, random = ~ 1 | Subject
))
write_vector("lmm_sleepstudy_rs", sleepstudy(
  case = "lmm_sleepstudy_rs",
  note = "condVar: per group 2x2 matrix (Intercept, Days), conditional on fixed effects and variance components",
  formula = Reaction ~ Days + (Days | Subject), fixed = Reaction ~ Days, random = ~ Days | Subject
))
write_vector("lmm_sleepstudy_rs_uncorr", sleepstudy(
  case = "lmm_sleepstudy_rs_uncorr",
  note = paste(
    "(Days||Subject) written out; condVar off-diagonals null because",
    "lme4 gives the blocks of separate terms only"
  ),
  formula = Reaction ~ Days + (1 | Subject) + (0 + Days | Subject),
  fixed = Reaction ~ Days, random = list(Subject = pdDiag(~ Days))
))
write_vector("lmm_radon_floor_ri", radon(
  case = "lmm_radon_floor_ri",
  formula = log_radon ~ floor + (1 | county), fixed = log_radon ~ floor, random = ~ 1 | county
))
write_vector("lmm_radon_floor_rs", radon(
  case = "lmm_radon_floor_rs",
  formula = log_radon ~ floor + (floor | county), fixed = log_radon ~ floor, random = ~ floor | county
))
write_vector("lmm_radon_floor_uranium_ri", radon(
  case = "lmm_radon_floor_uranium_ri",
  formula = log_radon ~ floor + log_uranium + (1 | county),
  fixed = log_radon ~ floor + log_uranium, random = ~ 1 | county
))

# Factors by treatment contrasts, their first level in the order of characters as the reference unless the note says so.
write_vector("lmm_Oats_variety_ri", oats(
  case = "lmm_Oats_variety_ri", note = "",
  formula = yield ~ nitro + Variety + (1 | Block), fixed = yield ~ nitro + Variety
))
write_vector("lmm_Oats_victory_ri", oats(
  case = "lmm_Oats_victory_ri", note = "the reference of Variety is Victory",
  formula = yield ~ nitro + Variety + (1 | Block), fixed = yield ~ nitro + Variety,
  prepared = function(data) transform(data, Variety = relevel(Variety, "Victory"))
))
write_vector("lmm_Oats_interaction_ri", oats(
  case = "lmm_Oats_interaction_ri", note = "",
  formula = yield ~ nitro * Variety + (1 | Block), fixed = yield ~ nitro * Variety
))
write_vector("lmm_Machines_rs", mixed(
  "Machines", "Worker", case = "lmm_Machines_rs", input = "nlme_Machines.csv", note = "",
  formula = score ~ Machine + (Machine | Worker), fixed = score ~ Machine, random = ~ Machine | Worker
))
write_vector("lmm_Exam_sex_type_ri", mixed(
  "Exam", "school", case = "lmm_Exam_sex_type_ri", input = "mlmRev_Exam.csv", note = "",
  formula = normexam ~ standLRT + sex * type + (1 | school), fixed = normexam ~ standLRT + sex * type,
  random = ~ 1 | school
))
