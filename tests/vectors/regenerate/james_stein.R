# James-Stein estimates towards the grand mean, positive part: Efron & Morris (1975), "Data analysis using Stein's
# estimator and its generalizations", JASA 70, in base R.

source("common.R")

# Equation (1.6) there: x of known variance v.
james_stein <- function(x, v) {
  J <- length(x)
  m <- mean(x)
  S <- sum((x - m)^2)
  factor <- 1 - (J - 3) * v / S
  kept <- max(0, factor)
  list(
    J = J, c = J - 3, variance = v, grand_mean = m, S = S, S_over_v = S / v,
    factor = factor, factor_positive_part = kept, estimate = m + kept * (x - m)
  )
}

# The scale on which an average p of n at bats has variance 1, and back.
arcsine <- function(p, n) sqrt(n) * asin(2 * p - 1)
average <- function(x, n) (1 + sin(x / sqrt(n))) / 2

squared <- function(a, b) sum((a - b)^2)

# Averages of n at bats, and the errors of each estimate against the rest of the season.
efron_morris <- function(p, n, remaining) {
  x <- arcsine(p, n)
  stabilized <- james_stein(x, 1)
  back <- average(stabilized$estimate, n)
  raw <- james_stein(p, mean(p) * (1 - mean(p)) / n)
  list(
    average = p,
    arcsin = c(stabilized, list(transformed = x, estimate_back_transformed = back)),
    raw_scale_var_pbar_qbar_over_n = raw,
    raw_scale_var_mean_pq_over_n = james_stein(p, mean(p * (1 - p)) / n),
    sse_vs_remaining_season = list(
      raw = squared(p, remaining),
      js_raw_scale = squared(raw$estimate, remaining),
      js_arcsin_back = squared(back, remaining),
      grand_mean = squared(mean(p), remaining),
      arcsin_scale_raw = squared(x, arcsine(remaining, n)),
      arcsin_scale_js = squared(stabilized$estimate, arcsine(remaining, n))
    )
  )
}

# The errors of the same estimates against the averages printed in the article.
published <- function(result, n, remaining) {
  target <- arcsine(remaining, n)
  list(
    note = paste(
      "Efron-Morris (1975) remaining averages typed from memory (published arcsin-scale totals: 17.56 raw, 5.01 JS).",
      "rstanarm::bball1970 differs from them for Williams (.330 vs .256) and Kessinger (.265 vs .263),",
      "which changes only out-of-sample errors"
    ),
    remaining = remaining,
    arcsin_scale_raw = squared(result$arcsin$transformed, target),
    arcsin_scale_js = squared(result$arcsin$estimate, target),
    p_scale_raw = squared(result$average, remaining),
    p_scale_js_arcsin_back = squared(result$arcsin$estimate_back_transformed, remaining)
  )
}

batches <- function(name) {
  data <- read_data(name)
  mean <- tapply(data$Yield, data$Batch, mean)
  msw <- within(data$Yield, data$Batch) / (nrow(data) - length(mean))
  list(group = keys(names(mean)), mean = as.vector(mean), result = james_stein(as.vector(mean), msw / 5))
}

players <- read_data("bball1970")
n <- 45
p <- players$Hits / n
remaining <- players$RemainingHits / players$RemainingAB
printed <- c(
  .400, .378, .356, .333, .311, .311, .289, .267, .244, .244, .222, .222, .222, .222, .222, .200, .178, .156
)
printed_remaining <- c(
  .346, .298, .276, .222, .273, .270, .263, .210, .269, .230, .264, .226, .303, .264, .256, .285, .316, .200
)
of_hits <- efron_morris(p, n, remaining)
of_printed <- efron_morris(printed, n, remaining)
few <- p[9:15]
schools <- read_data("eight_schools")

write_vector("james_stein", list(
  case = "james_stein",
  published_remaining = published(of_hits, n, printed_remaining),
  versions = versions(),
  input = c("rstanarm_bball1970.csv", "lme4_Dyestuff.csv", "lme4_Dyestuff2.csv"),
  call = "x_j -> m + max(0, 1-(J-3)*v/sum((x-m)^2))*(x_j-m), m=mean(x); arcsin: x=sqrt(n)*asin(2p-1), v=1",
  player = players$Player,
  at_bats = players$AB,
  hits = players$Hits,
  remaining_average = remaining,
  efron_morris = list(hits_over_45 = of_hits, printed_3_decimals = of_printed),
  positive_part_active = list(
    input_x = few,
    note = "players 9..15 only: factor<0 -> all at grand mean",
    result = james_stein(few, mean(few) * (1 - mean(few)) / n)
  ),
  dyestuff_batch_means = c(batches("Dyestuff"), note = "v=MSW/5 treated as known"),
  dyestuff2_batch_means = batches("Dyestuff2"),
  eight_schools_equal_variance = list(
    note = "v=mean(se^2); illustration of positive part only",
    result = james_stein(schools$y, mean(schools$se^2))
  )
))
