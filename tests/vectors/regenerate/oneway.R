# One-way random effects, y ~ 1 + (1 | g): lme4 by REML and ML, and the analysis of variance of stats::lm.

source("common.R")
source("lmer.R")

# Root of the profile score in lambda = tau2 / sigma2, independent of lme4: Searle, Casella & McCulloch (1992),
# "Variance Components", section 3.7.
score_equation <- function(n, mean, ssw, reml) {
  N <- sum(n)
  df <- N - reml
  at <- function(lambda) {
    w <- n / (1 + lambda * n)
    mu <- sum(w * mean) / sum(w)
    list(w = w, mu = mu, sigma2 = (ssw + sum(w * (mean - mu)^2)) / df)
  }
  score <- function(lambda) {
    p <- at(lambda)
    sum(p$w^2 * (mean - p$mu)^2) / p$sigma2 - sum(p$w) + reml * sum(p$w^2) / sum(p$w)
  }
  lambda <- if (score(0) <= 0) 0 else uniroot(score, c(0, 100), tol = 1e-16, maxiter = 10000)$root
  p <- at(lambda)
  penalty <- if (reml) log(sum(p$w)) else 0
  list(
    note = "independent: root of profile score in lambda=tau2/sigma2 (uniroot tol=1e-16)",
    sigma2 = p$sigma2,
    tau2 = lambda * p$sigma2,
    mu = p$mu,
    criterion = df * (log(2 * pi * p$sigma2) + 1) + sum(log1p(lambda * n)) + penalty
  )
}

likelihood <- function(y, g, formula, data, reml) {
  fit <- polished_lmer(formula, data, reml)
  sigma2 <- sigma(fit)^2
  tau2 <- VarCorr(fit)[[1]][1]
  se_mu <- sqrt(vcov(fit)[1, 1])
  n <- as.vector(table(g))
  mean <- as.vector(tapply(y, g, mean))
  weight <- tau2 / (tau2 + sigma2 / n)
  effects <- ranef(fit, condVar = TRUE)[[1]]
  conditional <- as.vector(attr(effects, "postVar"))
  list(
    call = call_of(formula, reml),
    sigma2 = sigma2,
    tau2 = tau2,
    mu = fixef(fit)[[1]],
    se_mu = se_mu,
    logLik = as.numeric(logLik(fit)),
    score_equation = score_equation(n, mean, within(y, g), reml),
    groups = list(
      group = rownames(effects),
      n = n,
      mean = mean,
      weight_own_mean = weight,
      estimate = coef(fit)[[1]][, 1],
      condVar = conditional,
      var_total = conditional + (1 - weight)^2 * se_mu^2
    )
  )
}

analysis_of_variance <- function(y, g) {
  n <- as.vector(table(g))
  mean <- as.vector(tapply(y, g, mean))
  J <- length(n)
  N <- sum(n)
  grand <- mean(y)
  ssw <- within(y, g)
  msb <- sum(n * (mean - grand)^2) / (J - 1)
  msw <- ssw / (N - J)
  n0 <- (N - sum(n^2) / N) / (J - 1)
  tau2 <- (msb - msw) / n0
  table <- anova(lm(y ~ g))
  list(
    J = J, N = N, grand_mean = grand, SSW = ssw, MSB = msb, MSW = msw, n0 = n0,
    tau2_anova_raw = tau2, tau2_anova = max(0, tau2), lm_anova = list(F = table[1, "F value"], p = table[1, "Pr(>F)"])
  )
}

oneway <- function(name, by, value) {
  data <- read_data(name)
  data[[by]] <- factor(data[[by]])
  y <- data[[value]]
  g <- data[[by]]
  formula <- as.formula(sprintf("%s ~ 1 + (1 | %s)", value, by))
  list(
    versions = versions("lme4", algebra = FALSE),
    input = sprintf("data/%s.csv", name),
    by = by,
    value = value,
    REML = likelihood(y, g, formula, data, TRUE),
    ML = likelihood(y, g, formula, data, FALSE),
    anova = analysis_of_variance(y, g)
  )
}

write_vector("oneway_Dyestuff", c(case = "oneway_Dyestuff", oneway("Dyestuff", "Batch", "Yield")))
write_vector("oneway_Dyestuff2", c(case = "oneway_Dyestuff2", oneway("Dyestuff2", "Batch", "Yield")))
write_vector("oneway_Exam", c(case = "oneway_Exam", oneway("Exam", "school", "normexam")))
write_vector("oneway_Penicillin_plate", c(case = "oneway_Penicillin_plate", oneway("Penicillin", "plate", "diameter")))
write_vector("oneway_Rail", c(case = "oneway_Rail", oneway("Rail", "Rail", "travel")))
write_vector("oneway_radon", c(case = "oneway_radon", oneway("radon", "county", "log_radon")))
