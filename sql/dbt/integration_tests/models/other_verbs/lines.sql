{{ polars_pool.regress(ref('scores'), 'score', 'month', 'school', method='ml') }}
