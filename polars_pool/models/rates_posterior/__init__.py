"""The whole posterior of rates: the mean and the overdispersion of their prior are integrated."""
