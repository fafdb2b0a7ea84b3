"""Regression whose terms vary by group: cross-products of each group, the likelihood of their covariance, results."""
