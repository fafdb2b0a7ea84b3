-- ---------------------------------------------------------------------------------------------------------------------
-- Elementary functions that keep their digits near 0.
-- ---------------------------------------------------------------------------------------------------------------------

-- exp(x) - 1, from exp(x) - 1 = 2 sinh(x / 2) exp(x / 2).
CREATE OR REPLACE MACRO pool_expm1(x) AS
    CASE WHEN abs(x) < 1 THEN 2 * sinh(x / 2) * exp(x / 2) ELSE exp(x) - 1 END;

-- log(1 + x) for x > -1, from log(1 + x) = 2 atanh(x / (2 + x)).
CREATE OR REPLACE MACRO pool_log1p(x) AS
    CASE WHEN abs(x) < 0.5 THEN 2 * atanh(x / (2 + x)) ELSE ln(1 + x) END;

-- x - log(1 + x) near 0, about x^2 / 2: z x - 2 (z^3 / 3 + z^5 / 5 + ...) with z = x / (2 + x), q = z^2 (Loader
-- 2000).
CREATE OR REPLACE MACRO _pool_log_excess_series(x, z, q) AS
    z * x - 2 * z * q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11
        + q * (1 / 13 + q * (1 / 15 + q * (1 / 17 + q * (1 / 19 + q / 21)))))))));

-- log(cosh(u)), from cosh(u) = 1 / sqrt(1 - tanh(u)^2) = 1 + 2 sinh(u / 2)^2.
CREATE OR REPLACE MACRO _pool_log_cosh(u) AS
    CASE
        WHEN abs(u) < 1 THEN 2 * atanh(tanh(u / 2) * tanh(u / 2))
        ELSE abs(u) + ln((1 + exp(-2 * abs(u))) / 2)
    END;

-- Gamma(x) over its first approximation sqrt(2 pi) x^(x - 1/2) exp(-x) (Stirling), which is 1 for infinite x: by the
-- asymptotic series of its logarithm from 10 on (Abramowitz & Stegun 6.1.41), q = 1 / x^2.
CREATE OR REPLACE MACRO _pool_stirling_series(x, q) AS
    exp((1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - (691 / 360360 - q / 156) * q) * q) * q) * q) * q) / x);

-- The factor from there to x < 10, y = x + 10, by Gamma(x) = Gamma(y) / (x (x + 1) ... (x + 9)). `lost` is the rounding
-- error of y.
CREATE OR REPLACE MACRO _pool_stirling_recurrence(x, y, lost) AS
    pow(y, y - 0.5) / pow(x, x - 0.5) * (1 + lost * (ln(y) + 1 - 0.5 / y))
        * 4.5399929762484851536e-5  -- exp(-10)
        / (x * (x + 1) * (x + 2) * (x + 3) * (x + 4) * (x + 5) * (x + 6) * (x + 7) * (x + 8) * (x + 9));

-- Gamma(x) over sqrt(2 pi) x^(x - 1/2) exp(-x) for each x > 0 of a list.
CREATE OR REPLACE MACRO _pool_stirling_ratios(xs) AS
    list_transform(
        list_transform(xs, lambda v: {x: v, y: CASE WHEN v >= 10 THEN v ELSE v + 10 END}),
        lambda _e: _pool_stirling_series(_e.y, 1 / (_e.y * _e.y))
            * CASE WHEN _e.x >= 10 THEN 1.0 ELSE _pool_stirling_recurrence(_e.x, _e.y, _e.x - (_e.y - 10)) END
    );
