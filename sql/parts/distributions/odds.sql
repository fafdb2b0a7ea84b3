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

-- How far the log density at w lies below that at the mode: near it a D(x / mean) + b D((1 - x) / mean of 1 - x), the
-- deviance of Loader (2000), D(1 + e) = e - log(1 + e). y is x at the mode.
CREATE OR REPLACE MACRO pool_odds_height(a, b, w) AS
    list_transform(
        list_transform(
            [{a: a, b: b, w: w, e: pool_expm1(w), y: 1 / (1 + b / a)}],
            lambda r: {a: r.a, b: r.b, w: r.w, e: r.e, y: r.y, d: r.e / (1 + r.e * r.y)}
        ),
        lambda r: CASE
            WHEN abs(r.w) < 0.25 THEN list_sum(list_transform(
                CASE
                    WHEN isinf(r.b) THEN [{n: r.a, e: r.d}]
                    ELSE [{n: r.a, e: r.d / (1 + r.a / r.b)}, {n: r.b, e: -r.d * r.y}]
                END,
                lambda s: s.n * pool_log_excess(s.e)
            ))
            WHEN isinf(r.b) THEN r.a * (r.e - r.w)
            WHEN r.a * exp(r.w) <= r.b THEN (r.a + r.b) * pool_log1p(r.e * r.y) - r.a * r.w
            ELSE (r.a + r.b) * pool_log1p(pool_expm1(-r.w) / (1 + r.a / r.b)) + r.b * r.w
        END
    )[1];

-- Mills' ratio of w outward. The odds are turned over where x > 1/2; `mean` is (a + b) x, where x is 0 for infinite b.
CREATE OR REPLACE MACRO pool_odds_mills(a, b, w, side) AS
    list_transform(
        list_transform(
            list_transform(
                [CASE
                    WHEN a * exp(w) > b THEN {a: b, b: a, w: -w, side: -side}
                    ELSE {a: a, b: b, w: w, side: side}
                END],
                lambda r: {
                    a: r.a, b: r.b, side: r.side, n: r.a + r.b,
                    mean: r.a * exp(r.w) / (1 + pool_expm1(r.w) / (1 + r.b / r.a)),
                    x: exp(r.w) / (1 + pool_expm1(r.w) / (1 + r.b / r.a)) / (1 + r.b / r.a)
                }
            ),
            lambda r: {
                a: r.a, side: r.side, n: r.n, mean: r.mean, x: r.x,
                first: 1 / CASE WHEN r.side < 0 THEN r.a ELSE r.b END,
                share: CASE WHEN r.side < 0 THEN r.mean / r.a ELSE (1 - r.x) * (1 + r.a / r.b) END,
                width: list_transform(
                    [{
                        slope: greatest(0.0, r.side * (r.mean - r.a) + CASE WHEN r.side < 0 THEN 1 - r.x ELSE r.x END),
                        curvature: (r.mean + r.x) * (1 - r.x)
                    }],
                    lambda c: CASE
                        WHEN r.side > 0 AND pool_window_level(c.slope, c.curvature) < 2 * ln((1 - r.x) / r.x)
                            THEN pool_window_level(c.slope, c.curvature)
                        ELSE pool_window(c.slope, c.curvature)
                    END
                )[1]
            }
        ),
        lambda r: r.first + r.share * r.width * list_sum(list_transform(
            list_transform(
                list_transform(pool_gauss_legendre(), lambda g: {s: r.side * r.width * g.y, weight: g.weight}),
                lambda g: {s: g.s, e: pool_expm1(g.s), weight: g.weight}
            ),
            lambda g: g.weight * CASE WHEN r.side < 0 THEN 1 + g.e ELSE 1.0 END / (1 + r.x * g.e)
                * exp(r.a * g.s - CASE WHEN isinf(r.n) THEN r.mean * g.e ELSE r.n * pool_log1p(r.x * g.e) END)
        ))
    )[1];

-- The probability beyond w.
CREATE OR REPLACE MACRO pool_odds_tail(a, b, w, side) AS
    list_transform(
        [{a: a, b: b, w: w, side: side, height: pool_odds_height(a, b, w)}],
        lambda r: CASE
            WHEN r.height > 745 THEN 0.0
            ELSE exp(-r.height) * pool_odds_mills(r.a, r.b, r.w, r.side) / pool_odds_integral(r.a, r.b)
        END
    )[1];

-- Where the tails meet: the mode for a + 1 and b + 1, between the flat parts that small a and b have.
CREATE OR REPLACE MACRO pool_odds_split(a, b) AS
    ln((1 + 1 / a) / (1 + 1 / b));

-- P(W <= w), from the tail on that side of the split where w lies.
CREATE OR REPLACE MACRO pool_odds_cdf(a, b, w) AS
    list_transform(
        [{a: a, b: b, w: w, upper: (w > pool_odds_split(a, b))::DOUBLE}],
        lambda r: abs(r.upper - pool_odds_tail(r.a, r.b, r.w, 2 * r.upper - 1))
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

-- The w whose tail times the integral over all w is exp(target): by Halley's steps far from it, then by the series,
-- until a sixth term would be below the rounding.
CREATE OR REPLACE MACRO pool_odds_settle(a, b, start, split, side, target) AS
    list_reduce(
        list_transform(range(60), lambda i: {w: start::DOUBLE, moving: true}),
        lambda s, i: CASE
            WHEN NOT s.moving THEN s
            ELSE list_transform(
                list_transform(
                    list_transform(
                        [{
                            w: s.w, height: pool_odds_height(a, b, s.w), mills: pool_odds_mills(a, b, s.w, side),
                            slope: side * pool_odds_slope(a, b, s.w),
                            x: 1 / (1 + b / a * exp(-s.w)),
                            bend: a * exp(s.w) * (1 + a / b) / (1 + a / b * exp(s.w)) / (1 + a / b * exp(s.w))
                        }],
                        lambda m: {
                            w: m.w, mills: m.mills, slope: m.slope, excess: ln(m.mills) - m.height - target,
                            series: pool_outward_series(ln(m.mills) - m.height - target, m.mills, m.slope, m.bend,
                                side * m.bend * (1 - 2 * m.x), m.bend * (1 - 6 * m.x * (1 - m.x)))
                        }
                    ),
                    lambda m: CASE
                        WHEN abs(m.excess) < 0.5 AND abs(m.series.last) <= 0.01 * m.mills * abs(m.excess) THEN {
                            w: m.w,
                            step: m.series.step + m.series.last,
                            moving: abs(m.series.last * m.excess) > 1e-13 * least(1.0, m.mills)
                        }
                        ELSE {w: m.w, step: pool_outward_step(m.excess, m.mills, m.slope), moving: true}
                    END
                ),
                lambda m: {w: side * greatest(side * split, side * m.w + m.step), moving: m.moving}
            )[1]
        END
    ).w;

-- P(W <= split). It lies between 0.1 and 0.9 where both shapes are 1 or more: NULL where p is outside of that range, as
-- the side is then known.
CREATE OR REPLACE MACRO pool_odds_below(a, b, p, split) AS
    CASE WHEN a < 1 OR b < 1 OR abs(p - 0.5) <= 0.4 THEN pool_odds_tail(a, b, split, -1.0::DOUBLE) END;

-- The side of the split on which p lies.
CREATE OR REPLACE MACRO pool_odds_side(p, below) AS
    CASE WHEN p <= coalesce(below, 0.5) THEN -1.0::DOUBLE ELSE 1.0::DOUBLE END;

-- Where the search for the w of a probability p begins: far from normal at the split, as the tail is log concave from
-- there.
CREATE OR REPLACE MACRO pool_odds_begin(a, b, p, split, side) AS
    CASE
        WHEN a < 1 OR b < 1 THEN split
        ELSE side * greatest(side * split, side * pool_odds_start(a, b, pool_normal_quantile_double(p)))
    END;

-- The log of the tail of p times the integral.
CREATE OR REPLACE MACRO pool_odds_target(a, b, p, side) AS
    ln(CASE WHEN side < 0 THEN p ELSE 1 - p END) + ln(pool_odds_integral(a, b));

-- The w of a probability p, 0 < p < 1, from the side of the split where it lies.
CREATE OR REPLACE MACRO pool_odds_quantile(a, b, p) AS
    list_transform(
        list_transform(
            list_transform(
                [{a: a, b: b, p: p, split: pool_odds_split(a, b)}],
                lambda r: {
                    a: r.a, b: r.b, p: r.p, split: r.split,
                    side: pool_odds_side(r.p, pool_odds_below(r.a, r.b, r.p, r.split))
                }
            ),
            lambda r: {
                a: r.a, b: r.b, split: r.split, side: r.side,
                start: pool_odds_begin(r.a, r.b, r.p, r.split, r.side),
                target: pool_odds_target(r.a, r.b, r.p, r.side)
            }
        ),
        lambda r: CASE
            WHEN r.target IS NOT NULL THEN pool_odds_settle(r.a, r.b, r.start, r.split, r.side, r.target)
        END
    )[1];
