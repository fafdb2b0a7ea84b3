{{ polars_pool.shrink_counts(ref('batting'), 'hits', 'at_bats', 'player', prior='gamma(3, 10)', limits=false) }}
