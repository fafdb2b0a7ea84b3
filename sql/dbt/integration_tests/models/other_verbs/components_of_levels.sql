{{ polars_pool.components_nested(ref('scores'), 'score', 'month', 'school') }}
