# Squeezed variances: Smyth (2004), "Linear models and empirical Bayes methods for assessing differential expression",
# section 6; the robust variant by Phipson et al. (2016).

source("common.R")
suppressPackageStartupMessages(library(limma))

# A result and the warnings raised on the way.
with_warnings <- function(expression) {
  messages <- character()
  value <- withCallingHandlers(expression, warning = function(w) {
    messages <<- c(messages, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  c(value, list(warnings = I(messages)))
}

squeezed <- function(result) setNames(result[c("df.prior", "var.prior", "var.post", "warnings")], SQUEEZED)
SQUEEZED <- c("df_prior", "var_prior", "var_post", "warnings")

# The variances of the groups of more than one row, with their degrees of freedom.
limma_of <- function(case, name, by, value) {
  data <- read_data(name)
  y <- split(data[[value]], data[[by]])
  y <- y[lengths(y) > 1]
  variance <- unname(vapply(y, var, 0))
  n <- unname(lengths(y))
  df <- n - 1
  prior <- with_warnings(fitFDist(variance, df1 = df))
  list(
    case = case,
    versions = versions("limma", "statmod"),
    input = sprintf("data/%s.csv", name),
    note = paste(
      "per-group sample variances, groups with n>1 only; df=n-1. limma floors variances at 1e-5*median(var)",
      "before taking logs (zero variances)"
    ),
    call = "squeezeVar(var, df); fitFDist(var, df1=df); squeezeVar(var, df, robust=TRUE)",
    value = value,
    by = by,
    J = length(y),
    n_zero_variance = sum(variance == 0),
    pooled_variance = sum(df * variance) / sum(df),
    fitFDist = prior[c("scale", "df2", "warnings")],
    squeezeVar = squeezed(with_warnings(squeezeVar(variance, df))),
    squeezeVar_robust = squeezed(with_warnings(squeezeVar(variance, df, robust = TRUE))),
    groups = list(group = keys(names(y)), n = n, var = variance)
  )
}

write_vector("limma_Dyestuff", limma_of("limma_Dyestuff", "Dyestuff", "Batch", "Yield"))
write_vector("limma_Exam", limma_of("limma_Exam", "Exam", "school", "normexam"))
write_vector("limma_radon", limma_of("limma_radon", "radon", "county", "log_radon"))
write_vector("limma_sleepstudy", limma_of("limma_sleepstudy", "sleepstudy", "Subject", "Reaction"))
