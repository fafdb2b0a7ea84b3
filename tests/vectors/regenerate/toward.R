# Linear mixed models whose covariates are constant within groups: lme4 by REML and ML, polished.

source("common.R")
source("lmer.R")

likelihood <- function(formula, data, reml, weights) {
  fit <- polished_lmer(formula, data, reml, weights)
  effects <- lme4::ranef(fit, condVar = TRUE)[[1]]
  list(
    call = paste0(call_of(formula, reml), if (!is.null(weights)) ", weights = w"),
    sigma2 = sigma(fit)^2,
    tau2 = as.numeric(lme4::VarCorr(fit)[[1]]),
    fixef = as.list(lme4::fixef(fit)),
    vcov_fixef = unname(as.matrix(vcov(fit))),
    logLik = as.numeric(logLik(fit)),
    n_obs = nobs(fit),
    ranef = list(group = rownames(effects), u = effects[[1]], condVar = as.vector(attr(effects, "postVar")))
  )
}

toward <- function(name, by, value, case, formula, note = "", weights = NULL) {
  data <- read_data(name, stringsAsFactors = TRUE)
  data[[by]] <- factor(data[[by]])
  list(
    case = case,
    versions = versions("lme4", "Matrix", "minqa", "numDeriv"),
    input = sprintf("data/%s.csv", name),
    note = note,
    by = by,
    value = value,
    REML = likelihood(formula, data, TRUE, weights),
    ML = likelihood(formula, data, FALSE, weights)
  )
}

radon <- function(...) toward("radon", "county", "log_radon", ...)
exam <- function(...) toward("Exam", "school", "normexam", ...)

write_vector("toward_radon_uranium", radon("toward_radon_uranium", log_radon ~ log_uranium + (1 | county)))
write_vector("toward_radon_uranium_weighted", radon(
  "toward_radon_uranium_weighted", log_radon ~ log_uranium + (1 | county),
  note = "the weights of the rows are 1, 2, 3, 1, 2, 3, ...", weights = rep_len(1:3, 919)
))
write_vector("toward_radon_uranium_squared", radon(
  "toward_radon_uranium_squared", log_radon ~ log_uranium + I(log_uranium^2) + (1 | county)
))
write_vector("toward_Exam_schgend", exam("toward_Exam_schgend", normexam ~ schgend + (1 | school)))
write_vector("toward_Exam_schavg_schgend", exam(
  "toward_Exam_schavg_schgend", normexam ~ schavg * schgend + (1 | school)
))
