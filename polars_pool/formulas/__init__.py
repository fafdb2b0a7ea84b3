"""The statistics: every formula once, as a plain function of columns, with its source. Imports no engine."""
