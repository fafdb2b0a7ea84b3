"""One-way random effects: the means of groups about a population mean."""
