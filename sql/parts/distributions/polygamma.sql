-- ---------------------------------------------------------------------------------------------------------------------
-- Derivatives of log gamma: pool_digamma(x), pool_trigamma(x) for x > 0, pool_trigamma_inverse(y) for y > 0.
-- ---------------------------------------------------------------------------------------------------------------------

-- log(x) - digamma(x) - 1 / (2 x) for x >= 10, times x^2, from q = 1 / x^2 (Abramowitz & Stegun 6.3.18).
CREATE OR REPLACE MACRO _pool_digamma_series(q) AS
    1 / 12 - (1 / 120 - (1 / 252 - (1 / 240 - (1 / 132 - (691 / 32760 - q / 12) * q) * q) * q) * q) * q;

-- Digamma, the derivative of log Gamma(x).
--
-- Below 10 as its difference from digamma(root) = 0, root = 1.46163..., so that it keeps its digits there: the sum over
-- k < 10 of 1 / (root + k) - 1 / (x + k) = d / ((root + k) (x + k)), d = x - root, and the difference of the asymptotic
-- series at x + 10 and root + 10.
CREATE OR REPLACE MACRO _pool_digamma_double(x) AS
    CASE
        WHEN x >= 'infinity'::DOUBLE THEN x
        WHEN x >= 10 THEN ln(x) - 0.5 / x - _pool_digamma_series(1 / (x * x)) / (x * x)
        ELSE list_transform(
            [{x: x, d: x - 1.4616321449683622e0 - 9.549995429965697e-17}],
            lambda _r: _r.d
                    * (list_sum(list_transform(range(10), lambda k: 1 / ((_r.x + k) * (1.4616321449683622e0 + k))))
                    + 0.5 / ((_r.x + 10) * 1.14616321449683622e1))
                + pool_log1p(_r.d / 1.14616321449683622e1)
                - _pool_digamma_series(1 / ((_r.x + 10) * (_r.x + 10))) / ((_r.x + 10) * (_r.x + 10))
                + _pool_digamma_series(1 / (1.14616321449683622e1 * 1.14616321449683622e1))
                    / (1.14616321449683622e1 * 1.14616321449683622e1)
        )[1]
    END;

-- The derivative of log Gamma(x), x > 0.
CREATE OR REPLACE MACRO pool_digamma(x) AS
    CASE WHEN _pool_demand_positive(x, 'x of pool_digamma') IS NOT NULL THEN _pool_digamma_double(x::DOUBLE) END;

-- Trigamma for x >= 10 (Abramowitz & Stegun 6.4.12).
CREATE OR REPLACE MACRO _pool_trigamma_series(x, q) AS
    (1 + (0.5 + (
        1 / 6 - (1 / 30 - (1 / 42 - (1 / 30 - (5 / 66 - (691 / 2730 - 7 / 6 * q) * q) * q) * q) * q) * q
    ) / x) / x) / x;

-- The second derivative of log Gamma(x), of a DOUBLE above 0.
CREATE OR REPLACE MACRO _pool_trigamma_double(x) AS
    CASE
        WHEN x >= 10 THEN _pool_trigamma_series(x, 1 / (x * x))
        ELSE list_transform(
            [x],
            lambda v: list_sum(list_transform(range(10), lambda k: 1 / ((v + k) * (v + k))))
                + _pool_trigamma_series(v + 10, 1 / ((v + 10) * (v + 10)))
        )[1]
    END;

-- Trigamma, the second derivative of log Gamma(x).
CREATE OR REPLACE MACRO pool_trigamma(x) AS
    CASE WHEN _pool_demand_positive(x, 'x of pool_trigamma') IS NOT NULL THEN _pool_trigamma_double(x::DOUBLE) END;

-- Minus the third derivative of log Gamma(x), to some ten digits: the slope of a search.
CREATE OR REPLACE MACRO _pool_trigamma_fall(x) AS
    list_sum(list_transform(range(10), lambda k: 2 / ((x + k) * (x + k) * (x + k))))
        + (1 + (1 + (0.5 - (1 / 6 - 1 / 6 / ((x + 10) * (x + 10))) / ((x + 10) * (x + 10))) / (x + 10)) / (x + 10))
            / ((x + 10) * (x + 10));

-- Newton's method for 1 / trigamma, which is convex: from 1 / y + 1 / 2, above the root, it goes down to it, until
-- rounding sends it up.
CREATE OR REPLACE MACRO _pool_trigamma_inverse_double(y) AS
    list_reduce(
        list_transform(range(200), lambda i: {x: 0.5 + 1 / y, moving: true}),
        lambda _s, i: CASE
            WHEN NOT _s.moving THEN _s
            ELSE list_transform(
                list_transform(
                    [{x: _s.x, trigamma: _pool_trigamma_double(_s.x)}],
                    lambda _m: {x: _m.x, step: _m.trigamma * (_m.trigamma / y - 1) / _pool_trigamma_fall(_m.x)}
                ),
                lambda _m: {x: CASE WHEN _m.step < -1e-15 * _m.x THEN _m.x + _m.step ELSE _m.x END,
                    moving: _m.step < -1e-15 * _m.x}
            )[1]
        END
    ).x;

-- The x whose trigamma is y.
CREATE OR REPLACE MACRO pool_trigamma_inverse(y) AS
    CASE
        WHEN y::DOUBLE = 'infinity'::DOUBLE THEN 0.0
        ELSE _pool_trigamma_inverse_double(_pool_demand_positive(y, 'y of pool_trigamma_inverse'))
    END;
