# Counts with exposure: the maximum of the gamma-Poisson (negative binomial) likelihood of Greenwood & Yule (1920), and
# the posterior of each group's rate; the same fit by MASS::glm.nb (Venables & Ripley 2002).

source("common.R")
source("newton.R")
suppressPackageStartupMessages(library(MASS))

log_likelihood <- function(shape, rate, y, e) sum(dnbinom(y, size = shape, prob = rate / (rate + e), log = TRUE))

# Score and Hessian of the log likelihood in log shape and log rate.
derivatives <- function(y, e) function(logs) {
  shape <- exp(logs[1])
  rate <- exp(logs[2])
  score <- c(
    sum(digamma(shape + y) - digamma(shape) - log1p(e / rate)),
    sum(shape / rate - (shape + y) / (rate + e))
  )
  cross <- sum(e / (rate * (rate + e)))
  hessian <- rbind(
    c(sum(trigamma(shape + y) - trigamma(shape)), cross),
    c(cross, sum((shape + y) / (rate + e)^2 - shape / rate^2))
  )
  in_logs(shape, rate, score, hessian)
}

maximum <- function(y, e) {
  negative <- function(logs) -log_likelihood(exp(logs[1]), exp(logs[2]), y, e)
  slope <- function(logs) -derivatives(y, e)(logs)$score
  start <- log(c(1, sum(e) / sum(y)))
  found <- optim(start, negative, slope, method = "BFGS", control = list(reltol = 1e-15, maxit = 1000))
  newton(found$par, derivatives(y, e))
}

by_glm_nb <- function(y, e) {
  control <- glm.control(epsilon = 1e-14, maxit = 1000)
  fit <- suppressWarnings(glm.nb(y ~ 1 + offset(log(e)), control = control)) # rounding alone may stop it
  intercept <- coef(fit)[[1]]
  list(
    theta = fit$theta, SE_theta = fit$SE.theta, intercept = intercept,
    shape = fit$theta, rate = fit$theta / exp(intercept), logLik = as.numeric(logLik(fit))
  )
}

gammapoisson_of <- function(case, input, note, groups, y, e) {
  logs <- maximum(y, e)
  shape <- exp(logs[1])
  rate <- exp(logs[2])
  at <- derivatives(y, e)(logs)
  covariance <- solve(-at$hessian)
  other <- by_glm_nb(y, e)
  post_shape <- shape + y
  post_rate <- rate + e
  list(
    case = case,
    versions = versions("MASS"),
    input = input,
    note = note,
    call = paste(
      "MLE of sum(dnbinom(y,size=shape,prob=rate/(rate+exposure),log=TRUE)): optim BFGS then Newton, analytic",
      "derivatives in (log shape, log rate); check MASS::glm.nb(y~1+offset(log(e)))"
    ),
    n_groups = length(y),
    pooled_rate = sum(y) / sum(e),
    shape = shape,
    rate = rate,
    mean = shape / rate,
    logLik = log_likelihood(shape, rate, y, e),
    score_at_solution = at$score,
    se_log_shape = sqrt(covariance[1, 1]),
    se_log_rate = sqrt(covariance[2, 2]),
    cov_log_shape_log_rate = covariance[1, 2],
    glm_nb = other,
    rel_diff_glm_nb = max(abs(c(other$shape / shape, other$rate / rate) - 1)),
    groups = list(
      group = groups,
      count = y,
      exposure = e,
      raw_rate = y / e,
      post_shape = post_shape,
      post_rate = post_rate,
      post_mean = post_shape / post_rate,
      post_sd = sqrt(post_shape) / post_rate,
      q025 = qgamma(0.025, post_shape, post_rate),
      q50 = qgamma(0.5, post_shape, post_rate),
      q975 = qgamma(0.975, post_shape, post_rate)
    )
  )
}

pumps <- read_data("pumps")
write_vector("gammapoisson_pumps", gammapoisson_of(
  "pumps", "pumps.csv", "10 power plant pumps (Gaver & O'Muircheartaigh 1987; BUGS 'pumps' values, typed in)",
  as.character(pumps$pump), pumps$failures, pumps$thousand_hours
))

insurance <- read_data("insurance")
write_vector("gammapoisson_insurance_cells", with(insurance, gammapoisson_of(
  "insurance_cells", "MASS_Insurance.csv", "64 District x Group x Age cells; exposure = Holders",
  paste(District, Group, Age, sep = "|"), Claims, Holders
)))

districts <- aggregate(cbind(Claims, Holders) ~ District + Group, insurance, sum)
write_vector("gammapoisson_insurance_district_group", with(districts, gammapoisson_of(
  "insurance_district_group", "MASS_Insurance.csv", "16 District x Group cells, summed over Age",
  paste(District, Group, sep = "|"), Claims, Holders
)))
