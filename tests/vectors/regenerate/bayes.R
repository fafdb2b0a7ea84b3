# Posteriors of the normal hierarchical model without sampling: Gelman et al. (2013), "Bayesian Data Analysis", section
# 5.4, in base R. Given tau, mu and every theta are normal; tau is integrated by quadrature.

source("common.R")
suppressPackageStartupMessages(library(statmod))

PROBABILITIES <- c(q025 = 0.025, q25 = 0.25, q50 = 0.5, q75 = 0.75, q975 = 0.975)

half_cauchy <- function(scale) function(tau) log(2) + dcauchy(tau, scale = scale, log = TRUE)
uniform <- function(tau) 0 * tau

# Composite Gauss-Legendre, 20 points a panel, in t = tau / (tau + scale) on (0, 1).
RULE <- gauss.quad(20)

panel <- function(from, to, scale) {
  t <- (from + to) / 2 + (to - from) / 2 * RULE$nodes
  list(tau = scale * t / (1 - t), weight = (to - from) / 2 * RULE$weights * scale / (1 - t)^2)
}

# Mean m and variance V of mu given tau, and the log of the joint density of tau and y (equations 5.20 and 5.21).
# mu_prior is NULL for a flat prior of mu, of density 1.
given_tau <- function(tau, y, v, log_prior, mu_prior) {
  w <- 1 / outer(tau^2, v, "+")
  precision <- rowSums(w)
  weighted <- drop(w %*% y)
  log_mu <- function(m) 0
  if (!is.null(mu_prior)) {
    precision <- precision + 1 / mu_prior[["sd"]]^2
    weighted <- weighted + mu_prior[["mean"]] / mu_prior[["sd"]]^2
    log_mu <- function(m) dnorm(m, mu_prior[["mean"]], mu_prior[["sd"]], log = TRUE)
  }
  m <- weighted / precision
  fit <- rowSums(log(w / (2 * pi)) - w * outer(m, y, "-")^2) / 2
  list(m = m, V = 1 / precision, log_joint = log_prior(tau) + fit + log_mu(m) + log(2 * pi / precision) / 2)
}

# Mean, standard deviation and quantiles of a mixture of normals.
mixture <- function(p, mean, variance) {
  centre <- sum(p * mean)
  sd <- sqrt(sum(p * (variance + (mean - centre)^2)))
  quantile <- function(probability) {
    excess <- function(x) sum(p * pnorm(x, mean, sqrt(variance))) - probability
    uniroot(excess, centre + c(-40, 40) * sd, tol = 1e-15, maxiter = 1000)$root
  }
  c(list(mean = centre, sd = sd), lapply(PROBABILITIES, quantile))
}

# The posterior of tau on a grid: nodes, their probabilities, what is given each, and the quantiles.
integrated <- function(joint, scale, panels) {
  edges <- seq(0, 1, length.out = panels + 1)
  pieces <- Map(panel, edges[-panels - 1], edges[-1], scale)
  tau <- unlist(lapply(pieces, `[[`, "tau"))
  weight <- unlist(lapply(pieces, `[[`, "weight"))
  at <- joint(tau)
  top <- max(at$log_joint)
  mass <- function(weight, log_joint) weight * exp(log_joint - top)
  total <- sum(mass(weight, at$log_joint))
  p <- mass(weight, at$log_joint) / total
  below <- c(0, cumsum(colSums(matrix(p, 20))))

  # The probability that tau is below t: whole panels, and the part of one.
  distribution <- function(t) {
    whole <- min(floor(t * panels), panels - 1)
    part <- panel(edges[whole + 1], t, scale)
    below[whole + 1] + sum(mass(part$weight, joint(part$tau)$log_joint)) / total
  }
  quantile <- function(probability) {
    excess <- function(t) distribution(t) - probability
    t <- uniroot(excess, c(0, 1 - 1e-9), tol = 1e-16, maxiter = 1000)$root
    scale * t / (1 - t)
  }
  quantiles <- lapply(PROBABILITIES, quantile)
  list(tau = tau, p = p, m = at$m, V = at$V, quantiles = quantiles, log_evidence = log(total) + top)
}

posterior <- function(y, v, joint, scale, panels) {
  grid <- integrated(joint, scale, panels)
  p <- grid$p
  tau <- grid$tau
  mean_tau <- sum(p * tau)
  own <- outer(tau^2, v, function(tau2, v) tau2 / (tau2 + v))
  theta <- lapply(seq_along(y), function(j) {
    k <- own[, j]
    mixture(p, k * y[j] + (1 - k) * grid$m, k * v[j] + (1 - k)^2 * grid$V)
  })
  column <- function(name) vapply(theta, `[[`, 0, name)
  list(
    tau = c(
      list(mean = mean_tau, sd = sqrt(sum(p * (tau - mean_tau)^2)), mean_tau2 = sum(p * tau^2)),
      grid$quantiles
    ),
    mu = mixture(p, grid$m, grid$V),
    new_theta = mixture(p, grid$m, grid$V + tau^2),
    theta = c(
      list(y = y, v = v),
      sapply(names(theta[[1]]), column, simplify = FALSE),
      list(E_weight_on_own = drop(p %*% own))
    ),
    log_marginal_likelihood = grid$log_evidence,
    nodes = length(tau)
  )
}

# The mean of tau by stats::integrate; top keeps its integrand from overflow.
mean_of_tau <- function(joint, top) {
  of <- function(power) {
    f <- function(tau) tau^power * exp(joint(tau)$log_joint - top)
    integrate(f, 0, Inf, rel.tol = 1e-13, subdivisions = 10000)$value
  }
  of(1) / of(0)
}

bayes <- function(case, input, prior, y, v, log_prior, mu_prior = NULL) {
  joint <- function(tau) given_tau(tau, y, v, log_prior, mu_prior)
  scale <- sqrt(median(v))
  found <- posterior(y, v, joint, scale, 331)
  other <- posterior(y, v, joint, 2 * scale, 250)
  summaries <- function(result) unlist(result[c("tau", "mu", "new_theta", "theta", "log_marginal_likelihood")])
  check <- mean_of_tau(joint, found$log_marginal_likelihood)
  list(
    case = case,
    versions = versions("statmod"),
    input = input,
    prior = prior,
    method = paste(
      "bayesmeta not available in Debian. mu integrated analytically; tau by composite Gauss-Legendre, 20-point rule x",
      "331 panels on t in (0,1), tau=c*t/(1-t); quantiles by root of mixture CDF"
    ),
    check_max_rel_diff_between_two_grids = max(abs(summaries(other) / summaries(found) - 1)),
    check_E_tau_by_stats_integrate = check,
    check_rel_diff_E_tau = abs(check / found$tau$mean - 1),
    posterior = found
  )
}

schools <- read_data("eight_schools")
eight_schools <- function(...) bayes(input = "eight_schools.csv", y = as.double(schools$y), v = schools$se^2, ...)
bcg <- read_data("bcg")

write_vector("bayes_bcg_hc1_flat_mu", bayes(
  "bayes_bcg_hc1_flat_mu", "dat_bcg.csv", "tau~half-Cauchy(0,1), mu flat", bcg$yi, bcg$vi, half_cauchy(1)
))
write_vector("bayes_eight_schools_hc25_flat_mu", eight_schools(
  case = "bayes_eight_schools_hc25_flat_mu", prior = "tau~half-Cauchy(0,25), mu flat", log_prior = half_cauchy(25)
))
write_vector("bayes_eight_schools_hc5_mu_n0_5", eight_schools(
  case = "bayes_eight_schools_hc5_mu_n0_5", prior = "tau~half-Cauchy(0,5), mu~N(0,5^2)",
  log_prior = half_cauchy(5), mu_prior = c(mean = 0, sd = 5)
))

flat <- eight_schools(
  case = "bayes_eight_schools_uniform_tau_flat_mu",
  prior = paste(
    "tau uniform on (0,Inf), mu flat",
    "(log marginal likelihood is up to the improper prior's constant)"
  ),
  log_prior = uniform
)
table_5_3 <- rbind(
  c(-2, 7, 10, 16, 31), c(-5, 3, 8, 12, 23), c(-11, 2, 7, 11, 19), c(-7, 4, 8, 11, 21),
  c(-9, 1, 5, 10, 18), c(-7, 2, 6, 10, 28), c(-1, 7, 10, 15, 26), c(-6, 3, 8, 13, 33)
)
write_vector("bayes_eight_schools_uniform_tau_flat_mu", c(flat, list(bda3_table_5_3 = list(
  note = paste(
    "BDA3 Table 5.3 as remembered (posterior quantiles from 200 simulations, rounded): rows A..H,",
    "columns 2.5%,25%,median,75%,97.5%"
  ),
  values = table_5_3,
  computed = unname(do.call(cbind, flat$posterior$theta[names(PROBABILITIES)]))
))))
