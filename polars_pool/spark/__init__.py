"""The verbs on Spark DataFrames: Spark groups the rows, and only the small table of classes of groups is collected.

The models are fitted from these classes by the functions for Polars, and their components return to Spark as a small
table that is joined to the groups. Classic Spark and Spark Connect run the same code.
"""

from ..engines import spark as spark
