# Rates: the maximum of the beta-binomial likelihood of Skellam (1948), "A probability distribution derived from the
# binomial distribution", and the posterior of each group's rate; the same fit by VGAM (Yee 2015).

source("common.R")
source("newton.R")
suppressPackageStartupMessages(library(VGAM))

log_likelihood <- function(a, b, y, n) sum(lbeta(y + a, n - y + b) - lbeta(a, b))

# Sum over the groups of 1 / (x + i)^power for i below each count: what digamma(x + count) - digamma(x) is, for power 1,
# without its cancellation when x is large.
harmonic <- function(x, counts, power) sum(vapply(counts, function(k) sum(1 / (x + seq_len(k) - 1)^power), 0))

# Score and Hessian of the log likelihood in log a and log b.
derivatives <- function(y, n) function(logs) {
  a <- exp(logs[1])
  b <- exp(logs[2])
  of_each <- function(power) c(harmonic(a, y, power), harmonic(b, n - y, power))
  score <- of_each(1) - harmonic(a + b, n, 1)
  in_logs(a, b, score, harmonic(a + b, n, 2) - diag(of_each(2)))
}

maximum <- function(y, n) {
  negative <- function(logs) -log_likelihood(exp(logs[1]), exp(logs[2]), y, n)
  starts <- lapply(c(1, 10, 100, 1000), function(size) log(size * c(sum(y), sum(n - y)) / sum(n)))
  control <- list(rel.tol = 1e-14, iter.max = 1000, eval.max = 1000)
  found <- lapply(starts, nlminb, objective = negative, control = control)
  best <- found[[which.min(vapply(found, `[[`, 0, "objective"))]]
  newton(best$par, derivatives(y, n))
}

furthest <- function(fit, a, b) max(abs(c(fit$alpha / a, fit$beta / b) - 1))

# Rounding alone stops it, of which it warns.
by_vglm <- function(y, n, family) {
  suppressWarnings(vglm(cbind(y, n - y) ~ 1, family, control = vglm.control(epsilon = 1e-13, maxit = 1000)))
}

by_mean_and_correlation <- function(y, n) {
  fit <- by_vglm(y, n, betabinomial)
  mu <- Coef(fit)[["mu"]]
  rho <- Coef(fit)[["rho"]]
  list(mu = mu, rho = rho, alpha = mu * (1 - rho) / rho, beta = (1 - mu) * (1 - rho) / rho, logLik = logLik(fit))
}

by_shapes <- function(y, n) {
  fit <- by_vglm(y, n, betabinomialff)
  list(alpha = Coef(fit)[[1]], beta = Coef(fit)[[2]], logLik = logLik(fit))
}

betabinomial_of <- function(case, input, note, groups, y, n) {
  logs <- maximum(y, n)
  a <- exp(logs[1])
  b <- exp(logs[2])
  at <- derivatives(y, n)(logs)
  covariance <- solve(-at$hessian)
  shapes <- by_shapes(y, n)
  means <- by_mean_and_correlation(y, n)
  post_a <- a + y
  post_b <- b + n - y
  size <- post_a + post_b
  list(
    case = case,
    versions = versions("VGAM", "MASS"),
    input = input,
    note = note,
    call = paste(
      "MLE of sum(lchoose(n,y)+lbeta(y+a,n-y+b)-lbeta(a,b)): nlminb over several starts then Newton with analytic",
      "score/Hessian in (log a, log b); check VGAM::vglm(cbind(y,n-y)~1, betabinomial) and betabinomialff"
    ),
    n_groups = length(y),
    pooled = sum(y) / sum(n),
    alpha = a,
    beta = b,
    mean = a / (a + b),
    alpha_plus_beta = a + b,
    rho = 1 / (a + b + 1),
    logLik = sum(lchoose(n, y) + lbeta(y + a, n - y + b) - lbeta(a, b)),
    logLik_without_binomial_coefficients = log_likelihood(a, b, y, n),
    score_at_solution = at$score,
    se_log_alpha = sqrt(covariance[1, 1]),
    se_log_beta = sqrt(covariance[2, 2]),
    cov_log_alpha_log_beta = covariance[1, 2],
    vglm_betabinomial = means,
    vglm_betabinomialff = shapes,
    rel_diff_vglm = furthest(means, a, b),
    rel_diff_vglmff = furthest(shapes, a, b),
    groups = list(
      group = groups,
      y = y,
      n = n,
      raw = y / n,
      post_alpha = post_a,
      post_beta = post_b,
      post_mean = post_a / size,
      post_sd = sqrt(post_a * post_b / (size^2 * (size + 1))),
      q025 = qbeta(0.025, post_a, post_b),
      q50 = qbeta(0.5, post_a, post_b),
      q975 = qbeta(0.975, post_a, post_b)
    )
  )
}

players <- read_data("bball1970")
write_vector("betabinomial_bball1970", betabinomial_of(
  "bball1970", "rstanarm_bball1970.csv",
  "Efron-Morris 18 players, first 45 at bats; weak overdispersion so alpha+beta is large",
  players$Player, players$Hits, players$AB
))

herds <- aggregate(cbind(incidence, size) ~ herd, read_data("cbpp"), sum)
write_vector("betabinomial_cbpp_by_herd", betabinomial_of(
  "cbpp_by_herd", "lme4_cbpp.csv", "incidence and size summed over periods within herd",
  as.character(herds$herd), herds$incidence, herds$size
))

rats <- read_data("rat_tumors")
write_vector("betabinomial_rat_tumors", betabinomial_of(
  "rat_tumors", "rstanarm_tumors.csv", "BDA rat tumours, 71 experiments (several y=0)",
  as.character(rats$group), rats$y, rats$K
))
