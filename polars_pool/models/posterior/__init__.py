"""The posterior of the one-way model under priors."""
