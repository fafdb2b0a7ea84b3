-- ---------------------------------------------------------------------------------------------------------------------
-- Beta: pool_beta_cdf(x, a, b), pool_beta_quantile(p, a, b) for any positive a and b.
-- ---------------------------------------------------------------------------------------------------------------------

-- P(X <= x) of the beta distribution: the regularised incomplete beta function.
CREATE OR REPLACE MACRO pool_beta_cdf(x, a, b) AS
    list_transform(
        [{
            x: _pool_demand_number(x, 'x of pool_beta_cdf'),
            a: _pool_demand_positive(a, 'a of pool_beta_cdf'),
            b: _pool_demand_positive(b, 'b of pool_beta_cdf')
        }],
        lambda _r: CASE
            WHEN _r.a IS NULL OR _r.b IS NULL THEN NULL
            WHEN _r.x <= 0 THEN 0.0
            WHEN _r.x >= 1 THEN 1.0
            ELSE _pool_odds_cdf(_r.a, _r.b, _pool_log_ratio(_r.x * _r.b, (1 - _r.x) * _r.a))
        END
    )[1];

-- The x with P(X <= x) = p of the beta distribution.
CREATE OR REPLACE MACRO pool_beta_quantile(p, a, b) AS
    CASE
        WHEN _pool_unbound(p) THEN NULL
        ELSE list_transform(
            [_pool_odds_quantile([{
                p: _pool_demand_probability(p, 'p of pool_beta_quantile'),
                a: _pool_demand_positive(a, 'a of pool_beta_quantile'),
                b: _pool_demand_positive(b, 'b of pool_beta_quantile')
            }])],
            lambda _r: 1 / (1 + _r.b / _r.a * exp(-_r.w))
        )[1]
    END;
