-- Rendered from polars_pool/formulas/names.py by `python -m polars_pool.rendering`: edit there.
--
-- The names that options take.
CREATE OR REPLACE MACRO _pool_names_of_nan() AS ['error', 'null'];
CREATE OR REPLACE MACRO _pool_names_of_uncertainty() AS ['mu', 'conditional', 'tau2'];
CREATE OR REPLACE MACRO _pool_names_of_interval() AS ['normal', 'robust', 'central', 'shortest'];
CREATE OR REPLACE MACRO _pool_names_of_interval_of_estimates() AS ['normal', 'robust'];
CREATE OR REPLACE MACRO _pool_names_of_interval_of_posterior() AS ['central', 'shortest'];
CREATE OR REPLACE MACRO _pool_names_of_predict() AS ['mean', 'row', 'replicate'];
CREATE OR REPLACE MACRO _pool_names_of_test() AS ['z', 't', 'knha', 'adhoc'];
CREATE OR REPLACE MACRO _pool_names_of_limits() AS ['profile', 'q'];
CREATE OR REPLACE MACRO _pool_names_of_method() AS ['reml', 'ml'];
CREATE OR REPLACE MACRO _pool_names_of_prior() AS ['ml', 'moments'];
