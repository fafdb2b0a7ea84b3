"""Regressions whose terms vary by group: their cross-products, the likelihood of their covariance, coefficients."""
