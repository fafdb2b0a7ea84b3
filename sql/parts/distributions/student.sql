-- ---------------------------------------------------------------------------------------------------------------------
-- Student: pool_student_cdf(t, df), pool_student_quantile(p, df) for df >= 1, infinity included.
--
-- t = sqrt(df) sinh(u): u has the density cosh(u)^-df over its integral. df = 2a = 2b of odds.sql, u half the log odds.
-- Symmetry leaves less to compute, and log(cosh(u)) keeps its digits up to any df.
-- ---------------------------------------------------------------------------------------------------------------------

-- The integral of cosh(u)^-df over all u, sqrt(pi) Gamma(df / 2) / Gamma(df / 2 + 1/2), by Stirling's ratios.
CREATE OR REPLACE MACRO pool_student_integral(df) AS
    sqrt(6.2831853071795864769e0 / df) * list_transform(
        [list_transform([df / 2, df], lambda x: pool_stirling_ratio(x))], lambda r: r[1] * (r[1] / r[2])
    )[1];

-- Mills' ratio of u >= 0, of its `height` df log(cosh(u)): 1 / df + integral of (1 - tanh) density / density(u).
CREATE OR REPLACE MACRO pool_student_mills(u, df, height) AS
    list_transform(
        [{u: u, df: df, height: height,
            width: pool_window(((df + 1) * tanh(u) + 1) / 2, (df + 1) / (4 * cosh(u) * cosh(u))) / 2}],
        lambda r: 1 / r.df + r.width * list_sum(list_transform(
            list_transform(pool_gauss_legendre(), lambda g: {u: r.u + r.width * g.y, weight: g.weight}),
            lambda g: g.weight * 2 / (1 + exp(2 * g.u)) * exp(r.height - r.df * pool_log_cosh(g.u))
        ))
    )[1];

-- P(T > t) for t = sqrt(df) sinh(u), u >= 0.
CREATE OR REPLACE MACRO pool_student_tail(u, df) AS
    list_transform(
        [{u: u, df: df, height: df * pool_log_cosh(u)}],
        lambda r: CASE
            WHEN r.height > 745 THEN 0.0
            ELSE exp(-r.height) * pool_student_mills(r.u, r.df, r.height) / pool_student_integral(r.df)
        END
    )[1];

-- P(T <= t) of Student's distribution.
CREATE OR REPLACE MACRO pool_student_cdf(t, df) AS
    list_transform(
        [{
            t: pool_demand_number(t, 't of pool_student_cdf'),
            df: pool_demand_from_one(df, 'df of pool_student_cdf')
        }],
        lambda r: CASE
            WHEN isinf(r.df) THEN pool_normal_cdf_double(r.t)
            WHEN isinf(r.t) THEN CASE WHEN r.t > 0 THEN 1.0 ELSE 0.0 END
            WHEN r.t <= 0 THEN pool_student_tail(asinh(-r.t / sqrt(r.df)), r.df)
            ELSE 1 - pool_student_tail(asinh(r.t / sqrt(r.df)), r.df)
        END
    )[1];

-- A start for the quantile from the normal quantile z: where the height of u is that of z, df log(cosh(u)) = z^2 / 2.
CREATE OR REPLACE MACRO pool_student_start(z, df) AS
    CASE
        WHEN z * z > 40 * df THEN z * z / (2 * df) + 0.7
        ELSE acosh(exp(z * z / (2 * df)))
    END;

-- One step of Halley's iteration outward on log tail - log target = `excess`, at most twice Newton's; `slope` is that
-- of the height.
CREATE OR REPLACE MACRO pool_outward_step(excess, mills, slope) AS
    excess * mills / greatest(0.5, 1 + excess * (1 - slope * mills) / 2);

-- The u whose tail times the integral over all u is exp(target): iterated until a step is too small for a further one,
-- its cube, to be seen.
CREATE OR REPLACE MACRO pool_student_settle(start, df, target) AS
    list_reduce(
        list_transform(range(60), lambda i: {u: start::DOUBLE, moving: true}),
        lambda s, i: CASE
            WHEN NOT s.moving THEN s
            ELSE list_transform(
                list_transform(
                    list_transform(
                        [{u: s.u, height: df * pool_log_cosh(s.u)}],
                        lambda m: {u: m.u, height: m.height, mills: pool_student_mills(m.u, df, m.height)}
                    ),
                    lambda m: {
                        u: m.u,
                        mills: m.mills,
                        step: pool_outward_step(ln(m.mills) - m.height - target, m.mills, df * tanh(m.u))
                    }
                ),
                lambda m: {u: greatest(0.0, m.u + m.step), moving: abs(m.step) > 1e-6 * m.mills}
            )[1]
        END
    ).u;

-- u with its digits near 0, where the tail, close to 1/2, has lost them: one Newton step on the integral from 0 to u,
-- which is to be `middle`.
CREATE OR REPLACE MACRO pool_student_polish(u, df, middle) AS
    u + exp(df * pool_log_cosh(u)) * (middle - u * list_sum(list_transform(
        pool_gauss_legendre(), lambda g: g.weight * exp(-df * pool_log_cosh(u * g.y))
    )));

-- The t with P(T <= t) = p of Student's distribution.
CREATE OR REPLACE MACRO pool_student_quantile(p, df) AS
    list_transform(
        list_transform(
            [{
                p: pool_demand_probability(p, 'p of pool_student_quantile'),
                df: pool_demand_from_one(df, 'df of pool_student_quantile')
            }],
            lambda r: {p: r.p, df: r.df, tail: least(r.p, 1 - r.p), integral: pool_student_integral(r.df)}
        ),
        lambda r: CASE
            WHEN isinf(r.df) OR r.tail = 0 THEN pool_normal_quantile_double(r.p)
            WHEN r.df IS NULL OR r.p IS NULL THEN NULL
            ELSE sign(r.p - 0.5) * sqrt(r.df) * sinh(list_transform(
                [pool_student_settle(
                    pool_student_start(pool_normal_quantile_double(r.tail), r.df), r.df, ln(r.tail * r.integral)
                )],
                lambda u: CASE
                    WHEN r.tail > 0.25 THEN pool_student_polish(u, r.df, (0.5 - r.tail) * r.integral)
                    ELSE u
                END
            )[1])
        END
    )[1];
