{{ polars_pool.weighted_moments(ref('scores'), 'score', ['month', 'school'], 'month') }}
