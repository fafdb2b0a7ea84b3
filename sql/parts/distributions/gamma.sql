-- ---------------------------------------------------------------------------------------------------------------------
-- Gamma of rate 1: pool_gamma_cdf(x, shape), pool_gamma_quantile(p, shape). Chi-square: pool_chi_square_cdf(x, df),
-- pool_chi_square_quantile(p, df), pool_chi_square_median(df). Any positive shape or df.
-- ---------------------------------------------------------------------------------------------------------------------

-- log(x / y) from x - y where they are near each other.
CREATE OR REPLACE MACRO _pool_log_ratio(x, y) AS
    CASE WHEN abs(x - y) < 0.5 * y THEN pool_log1p((x - y) / y) ELSE ln(x / y) END;

-- P(X <= x) of DOUBLEs, the shape in its domain.
CREATE OR REPLACE MACRO _pool_gamma_cdf_double(x, shape) AS
    list_transform(
        [{x: x, a: shape}],
        lambda _r: CASE
            WHEN _r.a IS NULL THEN NULL
            WHEN _r.x <= 0 THEN 0.0
            WHEN _r.x / _r.a >= 'infinity'::DOUBLE THEN 1.0
            ELSE _pool_odds_cdf(_r.a, 'infinity'::DOUBLE, _pool_log_ratio(_r.x, _r.a))
        END
    )[1];

-- The x with P(X <= x) = p, of DOUBLEs that are in the domain.
CREATE OR REPLACE MACRO _pool_gamma_quantile_double(p, shape) AS
    CASE
        WHEN _pool_unbound(shape) THEN NULL
        ELSE list_transform(
            [_pool_odds_quantile([{p: p, a: shape, b: 'infinity'::DOUBLE}])],
            lambda _r: _r.a * exp(_r.w)
        )[1]
    END;

-- P(X <= x) of the gamma distribution of rate 1: the regularised incomplete gamma function P(shape, x).
CREATE OR REPLACE MACRO pool_gamma_cdf(x, shape) AS
    _pool_gamma_cdf_double(
        _pool_demand_number(x, 'x of pool_gamma_cdf'),
        _pool_demand_positive(shape, 'shape of pool_gamma_cdf')
    );

-- The x with P(X <= x) = p of the gamma distribution of rate 1.
CREATE OR REPLACE MACRO pool_gamma_quantile(p, shape) AS
    _pool_gamma_quantile_double(
        _pool_demand_probability(p, 'p of pool_gamma_quantile'),
        _pool_demand_positive(shape, 'shape of pool_gamma_quantile')
    );

-- P(X <= x) of the chi-square distribution: X / 2 is gamma of shape df / 2.
CREATE OR REPLACE MACRO pool_chi_square_cdf(x, df) AS
    _pool_gamma_cdf_double(
        _pool_demand_number(x, 'x of pool_chi_square_cdf') / 2,
        _pool_demand_positive(df, 'df of pool_chi_square_cdf') / 2
    );

-- The x with P(X <= x) = p of the chi-square distribution.
CREATE OR REPLACE MACRO pool_chi_square_quantile(p, df) AS
    2 * _pool_gamma_quantile_double(
        _pool_demand_probability(p, 'p of pool_chi_square_quantile'),
        _pool_demand_positive(df, 'df of pool_chi_square_quantile') / 2
    );

-- Median of the chi-square distribution.
CREATE OR REPLACE MACRO pool_chi_square_median(df) AS
    2 * _pool_gamma_quantile_double(
        0.5::DOUBLE, _pool_demand_positive(df, 'df of pool_chi_square_median') / 2);
