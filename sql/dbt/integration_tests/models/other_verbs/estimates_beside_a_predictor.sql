{{ polars_pool.shrink_toward(ref('scores'), 'score', ['month', 'school'], 'month') }}
