{{ polars_pool.components_rates(ref('batting'), 'hits', 'at_bats', 'player') }}
