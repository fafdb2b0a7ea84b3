{{ polars_pool.components_counts(ref('batting'), 'hits', 'at_bats', 'player', prior='moments') }}
