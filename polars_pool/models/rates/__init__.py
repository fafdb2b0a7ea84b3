"""Rates and counts: beta-binomial and gamma-Poisson models of groups with small denominators."""
