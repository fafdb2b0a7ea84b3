{{ polars_pool.regress_components(ref('scores'), 'score', 'month', 'school') }}
