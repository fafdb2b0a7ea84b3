{{ polars_pool.weighted_merge(ref('weighted_moments'), 'school') }}
