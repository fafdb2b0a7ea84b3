{{ polars_pool.regress_coefficients(ref('scores'), 'score', 'month', 'school') }}
