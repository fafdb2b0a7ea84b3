{{ polars_pool.shrink_nested(ref('scores'), 'score', 'month', 'school', at='outer', tau2_inner=9) }}
