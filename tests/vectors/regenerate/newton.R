# The maximum of a likelihood of two positive parameters, on the scale of their logs.

# Newton's method from start; of_logs gives the score and the Hessian there.
newton <- function(start, of_logs, steps = 20) {
  x <- start
  for (step in seq_len(steps)) {
    at <- of_logs(x)
    x <- x - solve(at$hessian, at$score)
  }
  x
}

# Score and Hessian in log a and log b from those in a and b.
in_logs <- function(a, b, score, hessian) {
  scale <- c(a, b)
  list(score = scale * score, hessian = hessian * outer(scale, scale) + diag(scale * score))
}
