-- ---------------------------------------------------------------------------------------------------------------------
-- Beta and gamma in one: for shapes a and b, w is the log of the odds x / (1 - x) over a / b, where the density of the
-- log odds has its mode. For infinite b it is the log of x / a, x of the gamma distribution of shape a and rate 1.
-- `side` chooses the tail: -1 is the lower, 1 the upper one.
-- ---------------------------------------------------------------------------------------------------------------------

-- The integral over all w of the density divided by its value at the mode: the beta function, by Stirling's ratios.
CREATE OR REPLACE MACRO pool_odds_integral(a, b) AS
    sqrt(6.2831853071795864769e0 * (1 / a + 1 / b)) * list_transform(
        [list_transform([a, b, a + b], lambda x: pool_stirling_ratio(x))], lambda r: r[1] * (r[2] / r[3])
    )[1];

-- The slope of the height below by w, (a + b) x - a.
CREATE OR REPLACE MACRO pool_odds_slope(a, b, w) AS
    a / (1 + a / b) * CASE
        WHEN w < 0 THEN pool_expm1(w) / (1 + pool_expm1(w) / (1 + b / a))
        ELSE -pool_expm1(-w) / (1 + pool_expm1(-w) / (1 + a / b))
    END;

-- A macro of points takes a list of structs with the fields a, b, w and side, and adds a field to each. So the steps
-- are a chain: DuckDB 2 takes twice as long to plan a lambda with each lambda around it.

-- How far the log density at w lies below that at the mode: near it a D(x / mean) + b D((1 - x) / mean of 1 - x), the
-- deviance of Loader (2000), D(1 + e) = e - log(1 + e). y is x at the mode.
CREATE OR REPLACE MACRO pool_odds_heights(points) AS
    list_transform(
        list_transform(
            list_transform(
                list_transform(points, lambda r: {point: r, e: pool_expm1(r.w), y: 1 / (1 + r.b / r.a)}),
                lambda r: {point: r.point, e: r.e, y: r.y,
                    above: r.e / (1 + r.e * r.y) / (1 + r.point.a / r.point.b), below: -r.e * r.y / (1 + r.e * r.y)}
            ),
            lambda r: {point: r.point, e: r.e, y: r.y, above: r.above, below: r.below,
                above_z: r.above / (2 + r.above), below_z: r.below / (2 + r.below)}
        ),
        lambda r: struct_insert(r.point, height := CASE
            WHEN abs(r.point.w) < 0.25 THEN
                r.point.a * pool_log_excess_series(r.above, r.above_z, r.above_z * r.above_z)
                + CASE
                    WHEN isinf(r.point.b) THEN 0.0
                    ELSE r.point.b * pool_log_excess_series(r.below, r.below_z, r.below_z * r.below_z)
                END
            WHEN isinf(r.point.b) THEN r.point.a * (r.e - r.point.w)
            WHEN r.point.a * exp(r.point.w) <= r.point.b
                THEN (r.point.a + r.point.b) * pool_log1p(r.e * r.y) - r.point.a * r.point.w
            ELSE (r.point.a + r.point.b) * pool_log1p(pool_expm1(-r.point.w) / (1 + r.point.a / r.point.b))
                + r.point.b * r.point.w
        END)
    );

-- Mills' ratio of w outward. The odds are turned over where x > 1/2; `mean` is (a + b) x, where x is 0 for infinite b.
CREATE OR REPLACE MACRO pool_odds_mills(points) AS
    list_transform(
        list_transform(
            list_transform(
                list_transform(
                    list_transform(
                        points,
                        lambda r: CASE
                            WHEN r.a * exp(r.w) > r.b THEN {point: r, a: r.b, b: r.a, w: -r.w, side: -r.side}
                            ELSE {point: r, a: r.a, b: r.b, w: r.w, side: r.side}
                        END
                    ),
                    lambda r: {
                        point: r.point, a: r.a, b: r.b, side: r.side, n: r.a + r.b,
                        mean: r.a * exp(r.w) / (1 + pool_expm1(r.w) / (1 + r.b / r.a)),
                        x: exp(r.w) / (1 + pool_expm1(r.w) / (1 + r.b / r.a)) / (1 + r.b / r.a)
                    }
                ),
                lambda r: {
                    point: r.point, a: r.a, side: r.side, n: r.n, mean: r.mean, x: r.x,
                    first: 1 / CASE WHEN r.side < 0 THEN r.a ELSE r.b END,
                    share: CASE WHEN r.side < 0 THEN r.mean / r.a ELSE (1 - r.x) * (1 + r.a / r.b) END,
                    slope: greatest(0.0, r.side * (r.mean - r.a) + CASE WHEN r.side < 0 THEN 1 - r.x ELSE r.x END),
                    curvature: (r.mean + r.x) * (1 - r.x)
                }
            ),
            lambda r: {
                point: r.point, a: r.a, side: r.side, n: r.n, mean: r.mean, x: r.x, first: r.first, share: r.share,
                width: CASE
                    WHEN r.side > 0 AND pool_window_level(r.slope, r.curvature) < 2 * ln((1 - r.x) / r.x)
                        THEN pool_window_level(r.slope, r.curvature)
                    ELSE pool_window(r.slope, r.curvature)
                END
            }
        ),
        lambda r: struct_insert(r.point, mills := r.first + r.share * r.width * list_sum(list_transform(
            list_transform(
                list_transform(pool_gauss_legendre(), lambda g: {s: r.side * r.width * g.y, weight: g.weight}),
                lambda g: {s: g.s, e: pool_expm1(g.s), weight: g.weight}
            ),
            lambda g: g.weight * CASE WHEN r.side < 0 THEN 1 + g.e ELSE 1.0 END / (1 + r.x * g.e)
                * exp(r.a * g.s - CASE WHEN isinf(r.n) THEN r.mean * g.e ELSE r.n * pool_log1p(r.x * g.e) END)
        )))
    );

-- The probability beyond w, of points with `total`, the integral over all w.
CREATE OR REPLACE MACRO pool_odds_tails(points) AS
    list_transform(
        pool_odds_mills(pool_odds_heights(points)),
        lambda r: struct_insert(
            r, tail := CASE WHEN r.height > 745 THEN 0.0 ELSE exp(-r.height) * r.mills / r.total END)
    );

-- Where the tails meet: the mode for a + 1 and b + 1, between the flat parts that small a and b have.
CREATE OR REPLACE MACRO pool_odds_split(a, b) AS
    ln((1 + 1 / a) / (1 + 1 / b));

-- P(W <= w), from the tail on that side of the split where w lies.
CREATE OR REPLACE MACRO pool_odds_cdf(a, b, w) AS
    list_transform(
        pool_odds_tails([{
            a: a, b: b, w: w, side: 2 * (w > pool_odds_split(a, b))::DOUBLE - 1, total: pool_odds_integral(a, b)
        }]),
        lambda r: abs((r.side > 0)::DOUBLE - r.tail)
    )[1];

-- Where the search starts, z the normal quantile of p: by the first three cumulants of a difference of log gamma
-- variables (Cornish & Fisher 1938).
CREATE OR REPLACE MACRO pool_odds_start(a, b, z) AS
    list_transform(
        [{
            z: z,
            mean: (1 + 1 / (6 * b)) / (2 * b) - (1 + 1 / (6 * a)) / (2 * a),
            variance: (1 + (1 / 2 + 1 / (6 * a)) / a) / a + (1 + (1 / 2 + 1 / (6 * b)) / b) / b,
            third: (1 + (1 + 1 / (2 * b)) / b) / (b * b) - (1 + (1 + 1 / (2 * a)) / a) / (a * a)
        }],
        lambda c: c.mean + sqrt(c.variance) * c.z + c.third / c.variance * (c.z * c.z - 1) / 6
    )[1];

-- The step outward to the point where the excess E = log tail - log target is 0: {step, last}, the sum of four terms of
-- the quantile's Taylor series, and the fifth term. Mills' ratio m and the slope d of the height make du = m dE and dm
-- = m (d m - 1) dE; here p = d m, f = p - 1, q, r and t hold the derivatives of d, and p1 is dp / dE.
CREATE OR REPLACE MACRO pool_outward_series(excess, mills, slope, bend, bend2, bend3) AS
    list_transform(
        list_transform(
            list_transform(
                [{e: excess, m: mills, p: slope * mills, q: bend * mills * mills, r: bend2 * mills * mills * mills,
                    t: bend3 * mills * mills * mills * mills, f: slope * mills - 1}],
                lambda c: {e: c.e, m: c.m, p: c.p, q: c.q, r: c.r, f: c.f, p1: c.q + c.p * c.f,
                    q1: c.r + 2 * c.q * c.f, r1: c.t + 3 * c.r * c.f}
            ),
            lambda c: {e: c.e, m: c.m, p: c.p, q: c.q, f: c.f, p1: c.p1, q1: c.q1, r1: c.r1,
                third: c.f * c.f + c.p1, third1: (3 * c.f + c.p) * c.p1 + c.q1}
        ),
        lambda c: {
            step: c.m * c.e * (1 + c.e / 2 * (c.f + c.e / 3 * (c.third + c.e / 4 * (c.f * c.third + c.third1)))),
            last: c.m * c.e * c.e * c.e * c.e * c.e / 120 * (
                c.f * (c.f * c.third + c.third1) + c.p1 * c.third + c.f * c.third1 + 4 * c.p1 * c.p1
                + (3 * c.f + c.p) * (c.q1 + (c.f + c.p) * c.p1) + c.r1 + 2 * c.q1 * c.f + 2 * c.q * c.p1)
        }
    )[1];

-- The step of a point outward, and whether another one is to follow.
CREATE OR REPLACE MACRO pool_odds_steps(points) AS
    list_transform(
        list_transform(
            list_transform(
                points,
                lambda r: {
                    mills: r.mills, excess: ln(r.mills) - r.height - r.target, side: r.side,
                    slope: r.side * pool_odds_slope(r.a, r.b, r.w), x: 1 / (1 + r.b / r.a * exp(-r.w)),
                    bend: r.a * exp(r.w) * (1 + r.a / r.b) / (1 + r.a / r.b * exp(r.w)) / (1 + r.a / r.b * exp(r.w))
                }
            ),
            lambda m: {
                mills: m.mills, excess: m.excess, slope: m.slope,
                series: pool_outward_series(m.excess, m.mills, m.slope, m.bend,
                    m.side * m.bend * (1 - 2 * m.x), m.bend * (1 - 6 * m.x * (1 - m.x)))
            }
        ),
        lambda m: CASE
            WHEN abs(m.excess) < 0.5 AND abs(m.series.last) <= 0.01 * m.mills * abs(m.excess) THEN {
                step: m.series.step + m.series.last,
                moving: abs(m.series.last * m.excess) > 1e-13 * least(1.0, m.mills)
            }
            ELSE {step: pool_outward_step(m.excess, m.mills, m.slope), moving: true}
        END
    );

-- The w whose tail times the integral over all w is exp(target): by Halley's steps far from it, then by the series,
-- until a sixth term would be below the rounding. Points have a, b, w, side, split, target and moving.
CREATE OR REPLACE MACRO pool_odds_settle(points) AS
    list_reduce(
        list_resize(points, 60),
        lambda s, i: CASE
            WHEN NOT s.moving THEN s
            ELSE list_transform(
                pool_odds_steps(pool_odds_mills(pool_odds_heights([s]))),
                lambda m: {a: s.a, b: s.b, w: s.side * greatest(s.side * s.split, s.side * s.w + m.step), side: s.side,
                    split: s.split, target: s.target, moving: m.moving}
            )[1]
        END
    );

-- Where the search for the w of a probability p begins: far from normal at the split, as the tail is log concave from
-- there.
CREATE OR REPLACE MACRO pool_odds_begin(a, b, p, split, side) AS
    CASE
        WHEN a < 1 OR b < 1 THEN split
        ELSE side * greatest(side * split, side * pool_odds_start(a, b, pool_normal_quantile_double(p)))
    END;

-- The point whose w has the probability p, from the side of the split where it lies. P(W <= split) lies between 0.1 and
-- 0.9 where both shapes are 1 or more. The points have a, b and p.
CREATE OR REPLACE MACRO pool_odds_quantile(points) AS
    pool_odds_settle(list_transform(
        list_transform(
            pool_odds_tails(list_transform(points, lambda r: {
                a: r.a, b: r.b, p: r.p, total: pool_odds_integral(r.a, r.b), split: pool_odds_split(r.a, r.b),
                w: pool_odds_split(r.a, r.b), side: -1.0::DOUBLE
            })),
            lambda r: {
                a: r.a, b: r.b, p: r.p, total: r.total, split: r.split, inside: r.p > 0 AND r.p < 1,
                side: CASE WHEN r.p <= r.tail THEN -1.0::DOUBLE ELSE 1.0::DOUBLE END
            }
        ),
        lambda r: {
            a: r.a, b: r.b, side: r.side, split: r.split,
            w: CASE
                WHEN r.inside THEN pool_odds_begin(r.a, r.b, r.p, r.split, r.side)
                WHEN r.p IS NOT NULL THEN (2 * r.p - 1) * 'infinity'::DOUBLE
            END,
            target: CASE WHEN r.inside THEN ln(CASE WHEN r.side < 0 THEN r.p ELSE 1 - r.p END) + ln(r.total) END,
            moving: coalesce(r.inside AND r.total IS NOT NULL, false)
        }
    ));
