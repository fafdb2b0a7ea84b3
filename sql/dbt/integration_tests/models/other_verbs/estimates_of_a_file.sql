-- The path of a file, relative to the folder of the project.
{{ polars_pool.shrink('seeds/scores.csv', 'score', 'school', where='month < 3') }}
