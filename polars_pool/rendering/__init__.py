"""SQL rendered from what Python states: formulas, estimators, and the one file that holds all macros."""
