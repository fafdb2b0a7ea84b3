{{ polars_pool.compare(ref('scores'), "if(',' = ',', score, NULL)", 'school', over=['month']) }}
