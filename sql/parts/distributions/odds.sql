-- ---------------------------------------------------------------------------------------------------------------------
-- Beta and gamma in one: for shapes a and b, w is the log of the odds x / (1 - x) over a / b, where the density of the
-- log odds has its mode. For infinite b it is the log of x / a, x of the gamma distribution of shape a and rate 1.
-- `side` chooses the tail: -1 is the lower, 1 the upper one.
-- ---------------------------------------------------------------------------------------------------------------------

-- The integral over all w of the density divided by its value at the mode: the beta function, by Stirling's ratios.
CREATE OR REPLACE MACRO _pool_odds_integral(a, b) AS
    sqrt(6.2831853071795864769e0 * (1 / a + 1 / b)) * list_transform(
        [_pool_stirling_ratios([a, b, a + b])], lambda r: r[1] * (r[2] / r[3])
    )[1];

-- The slope of the height below by w, (a + b) x - a.
CREATE OR REPLACE MACRO _pool_odds_slope(a, b, w) AS
    a / (1 + a / b) * CASE
        WHEN w < 0 THEN pool_expm1(w) / (1 + pool_expm1(w) / (1 + b / a))
        ELSE -pool_expm1(-w) / (1 + pool_expm1(-w) / (1 + a / b))
    END;

-- A macro of points takes a list of structs with the fields a, b, w and side, and adds a field to each. So the steps
-- are a chain: DuckDB 2 takes twice as long to plan a lambda with each lambda around it.

-- How far the log density at w lies below that at the mode: near it a D(x / mean) + b D((1 - x) / mean of 1 - x), the
-- deviance of Loader (2000), D(1 + e) = e - log(1 + e). y is x at the mode.
CREATE OR REPLACE MACRO _pool_odds_heights(points) AS
    list_transform(
        list_transform(
            list_transform(
                list_transform(points, lambda _r: {point: _r, e: pool_expm1(_r.w), y: 1 / (1 + _r.b / _r.a)}),
                lambda _r: {point: _r.point, e: _r.e, y: _r.y,
                    above: _r.e / (1 + _r.e * _r.y) / (1 + _r.point.a / _r.point.b),
                    below: -_r.e * _r.y / (1 + _r.e * _r.y)}
            ),
            lambda _r: {point: _r.point, e: _r.e, y: _r.y, above: _r.above, below: _r.below,
                above_z: _r.above / (2 + _r.above), below_z: _r.below / (2 + _r.below)}
        ),
        lambda _r: struct_insert(_r.point, height := CASE
            WHEN abs(_r.point.w) < 0.25 THEN
                _r.point.a * _pool_log_excess_series(_r.above, _r.above_z, _r.above_z * _r.above_z)
                + CASE
                    WHEN isinf(_r.point.b) THEN 0.0
                    ELSE _r.point.b * _pool_log_excess_series(_r.below, _r.below_z, _r.below_z * _r.below_z)
                END
            WHEN isinf(_r.point.b) THEN _r.point.a * (_r.e - _r.point.w)
            WHEN _r.point.a * exp(_r.point.w) <= _r.point.b
                THEN (_r.point.a + _r.point.b) * pool_log1p(_r.e * _r.y) - _r.point.a * _r.point.w
            ELSE (_r.point.a + _r.point.b) * pool_log1p(pool_expm1(-_r.point.w) / (1 + _r.point.a / _r.point.b))
                + _r.point.b * _r.point.w
        END)
    );

-- Mills' ratio of w outward. The odds are turned over where x > 1/2; `mean` is (a + b) x, where x is 0 for infinite b.
CREATE OR REPLACE MACRO _pool_odds_mills(points) AS
    list_transform(
        list_transform(
            list_transform(
                list_transform(
                    list_transform(
                        points,
                        lambda _r: CASE
                            WHEN _r.a * exp(_r.w) > _r.b THEN {point: _r, a: _r.b, b: _r.a, w: -_r.w, side: -_r.side}
                            ELSE {point: _r, a: _r.a, b: _r.b, w: _r.w, side: _r.side}
                        END
                    ),
                    lambda _r: {
                        point: _r.point, a: _r.a, b: _r.b, side: _r.side, n: _r.a + _r.b,
                        mean: _r.a * exp(_r.w) / (1 + pool_expm1(_r.w) / (1 + _r.b / _r.a)),
                        x: exp(_r.w) / (1 + pool_expm1(_r.w) / (1 + _r.b / _r.a)) / (1 + _r.b / _r.a)
                    }
                ),
                lambda _r: {
                    point: _r.point, a: _r.a, side: _r.side, n: _r.n, mean: _r.mean, x: _r.x,
                    first: 1 / CASE WHEN _r.side < 0 THEN _r.a ELSE _r.b END,
                    share: CASE WHEN _r.side < 0 THEN _r.mean / _r.a ELSE (1 - _r.x) * (1 + _r.a / _r.b) END,
                    slope: greatest(0.0,
                        _r.side * (_r.mean - _r.a) + CASE WHEN _r.side < 0 THEN 1 - _r.x ELSE _r.x END),
                    curvature: (_r.mean + _r.x) * (1 - _r.x)
                }
            ),
            lambda _r: {
                point: _r.point, a: _r.a, side: _r.side, n: _r.n, mean: _r.mean, x: _r.x, first: _r.first,
                share: _r.share,
                width: CASE
                    WHEN _r.side > 0 AND _pool_window_level(_r.slope, _r.curvature) < 2 * ln((1 - _r.x) / _r.x)
                        THEN _pool_window_level(_r.slope, _r.curvature)
                    ELSE _pool_window(_r.slope, _r.curvature)
                END
            }
        ),
        lambda _r: struct_insert(_r.point, mills := _r.first + _r.share * _r.width * list_sum(list_transform(
            list_transform(
                list_transform(_pool_gauss_legendre(), lambda _g: {s: _r.side * _r.width * _g.y, weight: _g.weight}),
                lambda _g: {s: _g.s, e: pool_expm1(_g.s), weight: _g.weight}
            ),
            lambda _g: _g.weight * CASE WHEN _r.side < 0 THEN 1 + _g.e ELSE 1.0 END / (1 + _r.x * _g.e)
                * exp(_r.a * _g.s - CASE WHEN isinf(_r.n) THEN _r.mean * _g.e ELSE _r.n * pool_log1p(_r.x * _g.e) END)
        )))
    );

-- The probability beyond w, of points with `total`, the integral over all w.
CREATE OR REPLACE MACRO _pool_odds_tails(points) AS
    list_transform(
        _pool_odds_mills(_pool_odds_heights(points)),
        lambda _r: struct_insert(
            _r, tail := CASE WHEN _r.height > 745 THEN 0.0 ELSE exp(-_r.height) * _r.mills / _r.total END)
    );

-- Where the tails meet: the mode for a + 1 and b + 1, between the flat parts that small a and b have.
CREATE OR REPLACE MACRO _pool_odds_split(a, b) AS
    ln((1 + 1 / a) / (1 + 1 / b));

-- P(W <= w), from the tail on that side of the split where w lies.
CREATE OR REPLACE MACRO _pool_odds_cdf(a, b, w) AS
    CASE
        WHEN _pool_unbound(a) THEN NULL
        ELSE list_transform(
            _pool_odds_tails([{
                a: a, b: b, w: w, side: 2 * (w > _pool_odds_split(a, b))::DOUBLE - 1, total: _pool_odds_integral(a, b)
            }]),
            lambda _r: abs((_r.side > 0)::DOUBLE - _r.tail)
        )[1]
    END;

-- Where the search starts, z the normal quantile of p: by the first three cumulants of a difference of log gamma
-- variables (Cornish & Fisher 1938).
CREATE OR REPLACE MACRO _pool_odds_start(a, b, z) AS
    list_transform(
        [{
            z: z,
            mean: (1 + 1 / (6 * b)) / (2 * b) - (1 + 1 / (6 * a)) / (2 * a),
            variance: (1 + (1 / 2 + 1 / (6 * a)) / a) / a + (1 + (1 / 2 + 1 / (6 * b)) / b) / b,
            third: (1 + (1 + 1 / (2 * b)) / b) / (b * b) - (1 + (1 + 1 / (2 * a)) / a) / (a * a)
        }],
        lambda _c: _c.mean + sqrt(_c.variance) * _c.z + _c.third / _c.variance * (_c.z * _c.z - 1) / 6
    )[1];

-- The step outward to the point where the excess E = log tail - log target is 0: {step, last}, the sum of four terms of
-- the quantile's Taylor series, and the fifth term. Mills' ratio m and the slope d of the height make du = m dE and dm
-- = m (d m - 1) dE; here p = d m, f = p - 1, q, r and t hold the derivatives of d, and p1 is dp / dE.
CREATE OR REPLACE MACRO _pool_outward_series(excess, mills, slope, bend, bend2, bend3) AS
    list_transform(
        list_transform(
            list_transform(
                [{e: excess, m: mills, p: slope * mills, q: bend * mills * mills, r: bend2 * mills * mills * mills,
                    t: bend3 * mills * mills * mills * mills, f: slope * mills - 1}],
                lambda _c: {e: _c.e, m: _c.m, p: _c.p, q: _c.q, r: _c.r, f: _c.f, p1: _c.q + _c.p * _c.f,
                    q1: _c.r + 2 * _c.q * _c.f, r1: _c.t + 3 * _c.r * _c.f}
            ),
            lambda _c: {e: _c.e, m: _c.m, p: _c.p, q: _c.q, f: _c.f, p1: _c.p1, q1: _c.q1, r1: _c.r1,
                third: _c.f * _c.f + _c.p1, third1: (3 * _c.f + _c.p) * _c.p1 + _c.q1}
        ),
        lambda _c: {
            step: _c.m * _c.e
                * (1 + _c.e / 2 * (_c.f + _c.e / 3 * (_c.third + _c.e / 4 * (_c.f * _c.third + _c.third1)))),
            last: _c.m * _c.e * _c.e * _c.e * _c.e * _c.e / 120 * (
                _c.f * (_c.f * _c.third + _c.third1) + _c.p1 * _c.third + _c.f * _c.third1 + 4 * _c.p1 * _c.p1
                + (3 * _c.f + _c.p) * (_c.q1 + (_c.f + _c.p) * _c.p1) + _c.r1 + 2 * _c.q1 * _c.f + 2 * _c.q * _c.p1)
        }
    )[1];

-- The step of a point outward, and whether another one is to follow.
CREATE OR REPLACE MACRO _pool_odds_steps(points) AS
    list_transform(
        list_transform(
            list_transform(
                points,
                lambda _r: {
                    mills: _r.mills, excess: ln(_r.mills) - _r.height - _r.target, side: _r.side,
                    slope: _r.side * _pool_odds_slope(_r.a, _r.b, _r.w), x: 1 / (1 + _r.b / _r.a * exp(-_r.w)),
                    bend: _r.a * exp(_r.w) * (1 + _r.a / _r.b)
                        / (1 + _r.a / _r.b * exp(_r.w)) / (1 + _r.a / _r.b * exp(_r.w))
                }
            ),
            lambda _m: {
                mills: _m.mills, excess: _m.excess, slope: _m.slope,
                series: _pool_outward_series(_m.excess, _m.mills, _m.slope, _m.bend,
                    _m.side * _m.bend * (1 - 2 * _m.x), _m.bend * (1 - 6 * _m.x * (1 - _m.x)))
            }
        ),
        lambda _m: CASE
            WHEN abs(_m.excess) < 0.5 AND abs(_m.series.last) <= 0.01 * _m.mills * abs(_m.excess) THEN {
                step: _m.series.step + _m.series.last,
                moving: abs(_m.series.last * _m.excess) > 1e-13 * least(1.0, _m.mills)
            }
            ELSE {step: _pool_outward_step(_m.excess, _m.mills, _m.slope), moving: true}
        END
    );

-- The w whose tail times the integral over all w is exp(target): by Halley's steps far from it, then by the series,
-- until a sixth term would be below the rounding. Points have a, b, w, side, split, target and moving.
CREATE OR REPLACE MACRO _pool_odds_settle(points) AS
    list_reduce(
        list_resize(points, 60),
        lambda _s, i: CASE
            WHEN NOT _s.moving THEN _s
            ELSE list_transform(
                _pool_odds_steps(_pool_odds_mills(_pool_odds_heights([_s]))),
                lambda _m: {a: _s.a, b: _s.b,
                    w: _s.side * greatest(_s.side * _s.split, _s.side * _s.w + _m.step), side: _s.side,
                    split: _s.split, target: _s.target, moving: _m.moving}
            )[1]
        END
    );

-- Where the search for the w of a probability p begins: far from normal at the split, as the tail is log concave from
-- there.
CREATE OR REPLACE MACRO _pool_odds_begin(a, b, p, split, side) AS
    CASE
        WHEN a < 1 OR b < 1 THEN split
        ELSE side * greatest(side * split, side * _pool_odds_start(a, b, _pool_normal_quantile_double(p)))
    END;

-- The point whose w has the probability p, from the side of the split where it lies. P(W <= split) lies between 0.1 and
-- 0.9 where both shapes are 1 or more. The points have a, b and p.
CREATE OR REPLACE MACRO _pool_odds_quantile(points) AS
    _pool_odds_settle(list_transform(
        list_transform(
            _pool_odds_tails(list_transform(points, lambda _r: {
                a: _r.a, b: _r.b, p: _r.p, total: _pool_odds_integral(_r.a, _r.b), split: _pool_odds_split(_r.a, _r.b),
                w: _pool_odds_split(_r.a, _r.b), side: -1.0::DOUBLE
            })),
            lambda _r: {
                a: _r.a, b: _r.b, p: _r.p, total: _r.total, split: _r.split, inside: _r.p > 0 AND _r.p < 1,
                side: CASE WHEN _r.p <= _r.tail THEN -1.0::DOUBLE ELSE 1.0::DOUBLE END
            }
        ),
        lambda _r: {
            a: _r.a, b: _r.b, side: _r.side, split: _r.split,
            w: CASE
                WHEN _r.inside THEN _pool_odds_begin(_r.a, _r.b, _r.p, _r.split, _r.side)
                WHEN _r.p IS NOT NULL THEN (2 * _r.p - 1) * 'infinity'::DOUBLE
            END,
            target: CASE WHEN _r.inside THEN ln(CASE WHEN _r.side < 0 THEN _r.p ELSE 1 - _r.p END) + ln(_r.total) END,
            moving: coalesce(_r.inside AND _r.total IS NOT NULL, false)
        }
    ));
