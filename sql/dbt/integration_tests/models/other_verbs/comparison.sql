{{ polars_pool.compare(ref('scores'), 'score', 'school', over=['month']) }}
