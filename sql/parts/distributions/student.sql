-- ---------------------------------------------------------------------------------------------------------------------
-- Student: pool_student_cdf(t, df), pool_student_quantile(p, df) for df >= 1, infinity included.
--
-- t = sqrt(df) sinh(u): u has the density cosh(u)^-df over its integral. df = 2a = 2b of odds.sql, u half the log odds.
-- Symmetry leaves less to compute, and log(cosh(u)) keeps its digits up to any df.
-- ---------------------------------------------------------------------------------------------------------------------

-- The integral of cosh(u)^-df over all u, sqrt(pi) Gamma(df / 2) / Gamma(df / 2 + 1/2), by Stirling's ratios.
CREATE OR REPLACE MACRO _pool_student_integral(df) AS
    sqrt(6.2831853071795864769e0 / df) * list_transform(
        [_pool_stirling_ratios([df / 2, df])], lambda r: r[1] * (r[1] / r[2])
    )[1];

-- Mills' ratio of u >= 0, of its `height` df log(cosh(u)): 1 / df + integral of (1 - tanh) density / density(u).
CREATE OR REPLACE MACRO _pool_student_mills(u, df, height) AS
    list_transform(
        [{u: u, df: df, height: height,
            width: _pool_window(((df + 1) * tanh(u) + 1) / 2, (df + 1) / (4 * cosh(u) * cosh(u))) / 2}],
        lambda _r: 1 / _r.df + _r.width * list_sum(list_transform(
            list_transform(_pool_gauss_legendre(), lambda _g: {u: _r.u + _r.width * _g.y, weight: _g.weight}),
            lambda _g: _g.weight * 2 / (1 + exp(2 * _g.u)) * exp(_r.height - _r.df * _pool_log_cosh(_g.u))
        ))
    )[1];

-- P(T > t) for t = sqrt(df) sinh(u), u >= 0.
CREATE OR REPLACE MACRO _pool_student_tail(u, df) AS
    list_transform(
        [{u: u, df: df, height: df * _pool_log_cosh(u)}],
        lambda _r: CASE
            WHEN _r.height > 745 THEN 0.0
            ELSE exp(-_r.height) * _pool_student_mills(_r.u, _r.df, _r.height) / _pool_student_integral(_r.df)
        END
    )[1];

-- P(T <= t) of Student's distribution.
CREATE OR REPLACE MACRO pool_student_cdf(t, df) AS
    list_transform(
        [{
            t: _pool_demand_number(t, 't of pool_student_cdf'),
            df: _pool_demand_from_one(df, 'df of pool_student_cdf')
        }],
        lambda _r: CASE
            WHEN isinf(_r.df) THEN _pool_normal_cdf_double(_r.t)
            WHEN isinf(_r.t) THEN CASE WHEN _r.t > 0 THEN 1.0 ELSE 0.0 END
            WHEN _r.t <= 0 THEN _pool_student_tail(asinh(-_r.t / sqrt(_r.df)), _r.df)
            ELSE 1 - _pool_student_tail(asinh(_r.t / sqrt(_r.df)), _r.df)
        END
    )[1];

-- A start for the quantile from the normal quantile z: where the height of u is that of z, df log(cosh(u)) = z^2 / 2.
CREATE OR REPLACE MACRO _pool_student_start(z, df) AS
    CASE
        WHEN z * z > 40 * df THEN z * z / (2 * df) + 0.7
        ELSE acosh(exp(z * z / (2 * df)))
    END;

-- One step of Halley's iteration outward on log tail - log target = `excess`, at most twice Newton's; `slope` is that
-- of the height.
CREATE OR REPLACE MACRO _pool_outward_step(excess, mills, slope) AS
    excess * mills / greatest(0.5, 1 + excess * (1 - slope * mills) / 2);

-- The u whose tail times the integral over all u is exp(target): iterated until a step is too small for a further one,
-- its cube, to be seen.
CREATE OR REPLACE MACRO _pool_student_settle(start, df, target) AS
    list_reduce(
        list_transform(range(60), lambda i: {u: start::DOUBLE, moving: true}),
        lambda _s, i: CASE
            WHEN NOT _s.moving THEN _s
            ELSE list_transform(
                list_transform(
                    list_transform(
                        [{u: _s.u, height: df * _pool_log_cosh(_s.u)}],
                        lambda _m: {u: _m.u, height: _m.height, mills: _pool_student_mills(_m.u, df, _m.height)}
                    ),
                    lambda _m: {
                        u: _m.u,
                        mills: _m.mills,
                        step: _pool_outward_step(ln(_m.mills) - _m.height - target, _m.mills, df * tanh(_m.u))
                    }
                ),
                lambda _m: {u: greatest(0.0, _m.u + _m.step), moving: abs(_m.step) > 1e-6 * _m.mills}
            )[1]
        END
    ).u;

-- u with its digits near 0, where the tail, close to 1/2, has lost them: one Newton step on the integral from 0 to u,
-- which is to be `middle`.
CREATE OR REPLACE MACRO _pool_student_polish(u, df, middle) AS
    u + exp(df * _pool_log_cosh(u)) * (middle - u * list_sum(list_transform(
        _pool_gauss_legendre(), lambda _g: _g.weight * exp(-df * _pool_log_cosh(u * _g.y))
    )));

-- The t with P(T <= t) = p of Student's distribution.
CREATE OR REPLACE MACRO pool_student_quantile(p, df) AS
    list_transform(
        list_transform(
            [{
                p: _pool_demand_probability(p, 'p of pool_student_quantile'),
                df: _pool_demand_from_one(df, 'df of pool_student_quantile')
            }],
            lambda _r: {p: _r.p, df: _r.df, tail: least(_r.p, 1 - _r.p), integral: _pool_student_integral(_r.df)}
        ),
        lambda _r: CASE
            WHEN isinf(_r.df) OR _r.tail = 0 THEN _pool_normal_quantile_double(_r.p)
            WHEN _r.df IS NULL OR _r.p IS NULL THEN NULL
            ELSE sign(_r.p - 0.5) * sqrt(_r.df) * sinh(list_transform(
                [_pool_student_settle(
                    _pool_student_start(_pool_normal_quantile_double(_r.tail), _r.df), _r.df, ln(_r.tail * _r.integral)
                )],
                lambda u: CASE
                    WHEN _r.tail > 0.25 THEN _pool_student_polish(u, _r.df, (0.5 - _r.tail) * _r.integral)
                    ELSE u
                END
            )[1])
        END
    )[1];
