"""Where formulas run: NumPy for the models, Polars for the rows, SQL as text."""
