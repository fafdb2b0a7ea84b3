# Satterthwaite's degrees of freedom of the fixed effects, by lmerTest's definition (Kuznetsova, Brockhoff & Christensen
# 2017, J. Stat. Softw. 82): derivatives by theta and sigma of lme4's own deviance, at its polished optimum.

source("common.R")
source("lmer.R")

# -2 log likelihood by theta and sigma, as lmerTest's devfun_vp.
deviance_by <- function(deviance, reml) function(parameters) {
  theta <- head(parameters, -1)
  sigma2 <- tail(parameters, 1)^2
  deviance(theta)
  state <- environment(deviance)
  rows <- nrow(state$pp$V) - if (reml) ncol(state$pp$V) else 0
  squares <- state$resp$wrss() + state$pp$sqrL(1)
  state$pp$ldL2() + (if (reml) state$pp$ldRX2() else 0) + squares / sigma2 + rows * log(2 * pi * sigma2)
}

variances_by <- function(deviance) function(parameters) {
  deviance(head(parameters, -1))
  tail(parameters, 1)^2 * diag(tcrossprod(environment(deviance)$pp$RXi()))
}

degrees <- function(formula, data, reml) {
  fit <- polished_lmer(formula, data, reml)
  deviance <- lme4::lmer(formula, data, REML = reml, devFunOnly = TRUE)
  at <- c(unname(lme4::getME(fit, "theta")), sigma(fit))
  # Wide steps, as in polish(): the degrees of freedom do not depend on the unit of a parameter.
  unit <- pmax(abs(at), 0.1)
  wide <- list(d = 0.1, r = 6)
  moved <- function(f) function(u) f(at + (u - 1) * unit)
  here <- rep(1, length(at))
  hessian <- numDeriv::hessian(moved(deviance_by(deviance, reml)), here, method.args = wide)
  gradient <- numDeriv::jacobian(moved(variances_by(deviance)), here, method.args = wide)
  variance <- variances_by(deviance)(at)
  df <- 2 * variance^2 / rowSums((gradient %*% (2 * solve(hessian))) * gradient)
  list(call = call_of(formula, reml), df = as.list(setNames(df, names(lme4::fixef(fit)))))
}

both <- function(formula, data, by) {
  data[[by]] <- factor(data[[by]])
  list(REML = degrees(formula, data, TRUE), ML = degrees(formula, data, FALSE))
}

sleepstudy <- read_data("sleepstudy")
radon <- read_data("radon")
oats <- transform(read_data("Oats"), Variety = factor(Variety))
victory <- transform(oats, Variety = relevel(Variety, "Victory"))
machines <- transform(read_data("Machines"), Machine = factor(Machine))
exam <- transform(read_data("Exam"), sex = factor(sex), type = factor(type))

write_vector("satterthwaite", list(
  versions = versions("lme4", "Matrix", "minqa", "nloptr", "numDeriv"),
  sleepstudy_ri = both(Reaction ~ Days + (1 | Subject), sleepstudy, "Subject"),
  sleepstudy_rs = both(Reaction ~ Days + (Days | Subject), sleepstudy, "Subject"),
  sleepstudy_rs_uncorr = both(Reaction ~ Days + (1 | Subject) + (0 + Days | Subject), sleepstudy, "Subject"),
  radon_floor_ri = both(log_radon ~ floor + (1 | county), radon, "county"),
  radon_floor_rs = both(log_radon ~ floor + (floor | county), radon, "county"),
  radon_floor_uranium_ri = both(log_radon ~ floor + log_uranium + (1 | county), radon, "county"),
  Oats_variety_ri = both(yield ~ nitro + Variety + (1 | Block), oats, "Block"),
  Oats_victory_ri = both(yield ~ nitro + Variety + (1 | Block), victory, "Block"),
  Oats_interaction_ri = both(yield ~ nitro * Variety + (1 | Block), oats, "Block"),
  Machines_rs = both(score ~ Machine + (Machine | Worker), machines, "Worker"),
  Exam_sex_type_ri = both(normexam ~ standLRT + sex * type + (1 | school), exam, "school")
))
