{{ polars_pool.profile(ref('scores'), 'score', 'school', tau=[0, 2.5, 5], groups=true) }}
