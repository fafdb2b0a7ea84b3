# Credibility of Buehlmann & Straub (1970), "Glaubwuerdigkeit fuer Schadensaetze", by actuar: Dutang, Goulet & Pigeon
# (2008), "actuar: An R package for actuarial science", Journal of Statistical Software 25(7).

source("common.R")
suppressPackageStartupMessages(library(actuar))

# One row per state, the twelve ratios side by side, then the weights, as actuar keeps Hachemeister's (1975) claims.
hachemeister <- reshape(read_data("hachemeister"), direction = "wide", idvar = "state", timevar = "period")
hachemeister <- hachemeister[c("state", paste0("ratio.", 1:12), paste0("weight.", 1:12))]

# Variance between the states (b) and within one (a).
variances <- function(pair) {
  if (is.null(pair)) list(b = NULL, a = NULL) else list(b = list(portfolio = pair[[1]]), a = list(state = pair[[2]]))
}

means <- function(fit) list(collective_mean = fit$means$portfolio, individual_means = unname(fit$means$state))
premiums <- function(fit) list(credibility = unname(fit$cred), premium = as.vector(predict(fit)))

straub <- function(method) {
  fit <- cm(
    ~state, hachemeister, ratios = ratio.1:ratio.12, weights = weight.1:weight.12, method = method,
    tol = 1e-15, maxit = 1e4
  )
  call <- "cm(~state, hachemeister, ratios=ratio.1:ratio.12, weights=weight.1:weight.12, method='%s')"
  c(
    list(call = sprintf(call, method)),
    means(fit),
    list(
      weights_state = unname(fit$weights$state),
      unbiased = variances(fit$unbiased),
      iterative = if (!is.null(fit$iterative)) variances(fit$iterative)
    ),
    premiums(fit)
  )
}

unweighted <- function() {
  fit <- cm(~state, hachemeister, ratios = ratio.1:ratio.12)
  call <- "cm(~state, hachemeister, ratios=ratio.1:ratio.12)"
  c(list(call = call), means(fit), list(unbiased = variances(fit$unbiased)), premiums(fit))
}

write_vector("credibility_hachemeister", list(
  case = "buhlmann_straub_hachemeister",
  versions = versions("actuar", algebra = FALSE),
  input = "data/hachemeister.csv",
  note = paste(
    "per-state mean with known relative weights; structure$b = between variance (tau2), a = within variance",
    "(per unit weight); iterative = Bichsel-Straub pseudo-estimator"
  ),
  by = "state",
  value = "ratio",
  weights = "weight",
  state = hachemeister$state,
  `straub_Buhlmann-Gisler` = straub("Buhlmann-Gisler"),
  straub_Ohlsson = straub("Ohlsson"),
  straub_iterative = straub("iterative"),
  buhlmann_unweighted = unweighted()
))
