-- ---------------------------------------------------------------------------------------------------------------------
-- Tails and quantiles of many beta and gamma distributions at once, one per row, by the formulas of
-- distributions/odds.sql: they are planned once and run column by column.
-- ---------------------------------------------------------------------------------------------------------------------

-- Nodes in (0, 1) and weights of the Gauss-Legendre rule: of 24 points where both shapes are 32 or more and the
-- integrand is nearly that of a normal tail (error below 1e-12), else of 48.
CREATE OR REPLACE MACRO _pool_nodes_of_24() AS
    '[
        0.00240639000148932, 0.012635722014345251, 0.030862723998633622, 0.056792236497799485, 0.08999900701304854,
        0.12993790421072282, 0.17595317403151223, 0.22728926430558022, 0.2831032461869774, 0.3424786601519183,
        0.40444056626319186, 0.4679715535686972, 0.5320284464313028, 0.5955594337368082, 0.6575213398480817,
        0.7168967538130225, 0.7727107356944197, 0.8240468259684878, 0.8700620957892772, 0.9100009929869515,
        0.9432077635022005, 0.9691372760013663, 0.9873642779856547, 0.9975936099985107
    ]'::DOUBLE[];
CREATE OR REPLACE MACRO _pool_weights_of_24() AS
    '[
        0.0061706148999936, 0.014265694314466832, 0.022138719408709904, 0.02964929245771839, 0.03667324070554015,
        0.04309508076597664, 0.04880932605205694, 0.05372213505798282, 0.0577528340268628, 0.060835236463901696,
        0.06291872817341415, 0.06396909767337608, 0.06396909767337608, 0.06291872817341415, 0.060835236463901696,
        0.0577528340268628, 0.05372213505798282, 0.04880932605205694, 0.04309508076597664, 0.03667324070554015,
        0.02964929245771839, 0.022138719408709904, 0.014265694314466832, 0.0061706148999936
    ]'::DOUBLE[];
CREATE OR REPLACE MACRO _pool_nodes_of(a, b) AS
    CASE WHEN a >= 32 AND b >= 32 THEN _pool_nodes_of_24()
        ELSE list_transform(_pool_gauss_legendre(), lambda _g: _g.y) END;
CREATE OR REPLACE MACRO _pool_weights_of(a, b) AS
    CASE WHEN a >= 32 AND b >= 32 THEN _pool_weights_of_24()
        ELSE list_transform(_pool_gauss_legendre(), lambda _g: _g.weight) END;

-- The integral over the window of the density of the log odds, divided by that at its beginning and by the width:
-- `reach` is the signed width, `lead` is reach times the power of the odds, x the probability at the beginning, and n
-- the power of the change 1 + x (exp(u) - 1). Where n is large, it amplifies the rounding of this change: there the sum
-- has another form. For the gamma distribution x is 0. One CASE outside of the lambdas is three times as fast as one
-- inside.
CREATE OR REPLACE MACRO _pool_window_integral(nodes, weights, reach, lead, x, n, mean) AS
    list_dot_product(weights, CASE
        WHEN n < 1e4 THEN list_transform(nodes, lambda y: exp(lead * y - n * ln(1 - x + x * exp(reach * y))))
        WHEN isinf(n) THEN list_transform(nodes, lambda y:
            exp(lead * y - 2 * mean * sinh(reach * y / 2) * exp(reach * y / 2)))
        ELSE list_transform(nodes, lambda y: exp(lead * y - 2 * n
            * atanh(x * sinh(reach * y / 2) / (exp(-reach * y / 2) + x * sinh(reach * y / 2)))))
    END);

-- D(1 + t) = t - log(1 + t), from z = t / (2 + t): _pool_log_excess_series.
CREATE OR REPLACE MACRO _pool_excess_from(t, z) AS
    CASE
        WHEN abs(t) < 0.3 THEN z * t - 2 * z * z * z * (1 / 3 + z * z * (1 / 5 + z * z * (1 / 7 + z * z * (1 / 9
            + z * z * (1 / 11 + z * z * (1 / 13 + z * z * (1 / 15 + z * z * (1 / 17))))))))
        ELSE t - ln(1 + t)
    END;

-- Requests with the integral over all w, the split, and the point where the search of a quantile begins. It begins at
-- the split, unless `z`, the normal quantile of p, is known and p lies clearly on one side.
CREATE OR REPLACE MACRO _pool_begun_odds(requests) AS TABLE
    WITH ratios AS (
        SELECT id, a, b, w, p, z, 1 / a AS u, 1 / b AS v,
            list_transform([a, b, a + b], lambda x: _pool_stirling_ratio(x)) AS r
        FROM query_table(requests)
    ),
    -- the first cumulants of a difference of log gamma variables (Cornish & Fisher 1938)
    cumulants AS (
        SELECT id, a, b, w, p, z, ln((1 + u) / (1 + v)) AS split,
            z IS NOT NULL AND a >= 1 AND b >= 1 AND abs(p - 0.5) > 0.4 AS direct,
            sqrt(6.2831853071795864769e0 * (u + v)) * r[1] * (r[2] / r[3]) AS integral,
            (1 + v / 6) * v / 2 - (1 + u / 6) * u / 2 AS centre,
            (1 + (0.5 + u / 6) * u) * u + (1 + (0.5 + v / 6) * v) * v AS variance,
            (1 + (1 + v / 2) * v) * (v * v) - (1 + (1 + u / 2) * u) * (u * u) AS third
        FROM ratios
    )
    SELECT id, a, b, w, p, integral, split, direct,
        CASE WHEN CASE WHEN direct THEN p > 0.5 ELSE w > split END THEN 1.0::DOUBLE ELSE -1.0::DOUBLE END AS side,
        CASE
            WHEN NOT direct THEN coalesce(w, split)
            WHEN p > 0.5 THEN greatest(split, centre + sqrt(variance) * z + third / variance * (z * z - 1) / 6)
            ELSE least(split, centre + sqrt(variance) * z + third / variance * (z * z - 1) / 6)
        END AS place
    FROM cumulants;

-- Searches with the height of the density, Mills' ratio and its derivatives at their point, outward. a_, b_, w_ and s
-- are a, b, place and side, with the odds inverted where x > 1/2; `mean` is (a + b) x.
CREATE OR REPLACE MACRO _pool_odds_at(search) AS TABLE
    WITH turned AS (
        SELECT *, CASE WHEN turn THEN b ELSE a END AS a_, CASE WHEN turn THEN a ELSE b END AS b_,
            CASE WHEN turn THEN -place ELSE place END AS w_, CASE WHEN turn THEN -side ELSE side END AS s
        FROM (SELECT *, a * exp(place) > b AS turn FROM query_table(search) WHERE result IS NULL)
    ),
    changed AS (SELECT *, pool_expm1(w_) AS e, 1 + e / (1 + b_ / a_) AS odds FROM turned),
    placed AS (
        SELECT *, a_ * exp(w_) / odds AS mean, mean / (a_ + b_) AS x, e / (1 + a_ / b_) / odds AS up,
            -e / (1 + b_ / a_) / odds AS down
        FROM changed
    ),
    sloped AS (
        SELECT *, s * (mean - a_) AS slope, greatest(0.0, slope + CASE WHEN s < 0 THEN 1 - x ELSE x END) AS push,
            (mean + x) * (1 - x) AS curvature, _pool_window_level(push, curvature) AS level,
            up / (2 + up) AS up_z, down / (2 + down) AS down_z
        FROM placed
    ),
    windowed AS (
        SELECT *, s * CASE WHEN s > 0 AND level < 2 * ln((1 - x) / x) THEN level ELSE _pool_window(push, curvature) END
                AS reach,
            reach * CASE WHEN s < 0 THEN a_ + 1 ELSE a_ END AS lead, a_ + b_ + 1 AS power
        FROM sloped
    )
    SELECT *, 1 / CASE WHEN s < 0 THEN a_ ELSE b_ END
            + CASE WHEN s < 0 THEN mean / a_ ELSE (1 - x) * (1 + a_ / b_) END * abs(reach)
                * _pool_window_integral(_pool_nodes_of(a_, b_), _pool_weights_of(a_, b_), reach, lead, x, power, mean)
            AS mills,
        CASE
            WHEN abs(w_) < 0.25 THEN a_ * _pool_excess_from(up, up_z)
                + CASE WHEN isinf(b_) THEN 0.0 ELSE b_ * _pool_excess_from(down, down_z) END
            WHEN isinf(b_) THEN a_ * (e - w_)
            ELSE (a_ + b_) * pool_log1p(e / (1 + b_ / a_)) - a_ * w_
        END AS height
    FROM windowed;

-- For each id of the requests (id, a, b, w, p, z): where w is not null, the probabilities of more than w (`result`) and
-- of no more (`below`); else the w with probability p below it. A search begins with the tail at w, with the side of p,
-- or near the quantile. It goes outward to the point where `excess` = log tail - log target is 0: by Halley's steps far
-- from it, then by four terms of the quantile's Taylor series (see _pool_outward_series), until a fifth would be too
-- small to be seen.
CREATE OR REPLACE MACRO _pool_tails_and_quantiles(requests) AS TABLE
    WITH RECURSIVE _pool_odds AS (
        SELECT *, 0 AS step, NULL::DOUBLE AS result,
            CASE WHEN direct THEN ln(CASE WHEN side < 0 THEN p ELSE 1 - p END * integral) END AS target
        FROM _pool_begun_odds(requests)
        UNION ALL
        SELECT id, a, b, w, p, integral, split, direct,
            CASE WHEN target IS NULL AND p > tail THEN 1.0 ELSE side END, coalesce(moved, place), step + 1,
            CASE
                WHEN w IS NOT NULL THEN tail
                WHEN step = 60 OR near AND abs(excess) <= 0.02 AND abs(cube * fourth) * greatest(1.0, mills) <= 1e-6
                    THEN moved
            END,
            CASE WHEN target IS NOT NULL THEN target WHEN p <= tail THEN ln(p * integral)
                ELSE ln((1 - p) * integral) END
        FROM (
            SELECT *, abs(excess) < 0.5 AND abs(cube * fourth) < 1.2 AS near,
                side * greatest(side * split, side * place + CASE
                    WHEN near THEN mills * excess * (1 + excess / 2 * (f + excess / 3 * (third + excess / 4 * fourth)))
                    ELSE _pool_outward_step(excess, mills, slope) END) AS moved
            FROM (
                SELECT *, f * f + d1 AS third, excess * excess * excess AS cube,
                    f * (f * f + d1) + (3 * f + d) * d1 + m2 * bend * (s * (1 - 2 * x) * mills + 2 * f) AS fourth,
                    CASE WHEN height > 745 THEN 0.0 ELSE exp(-height) * mills / integral END AS tail
                FROM (
                    SELECT *, d - 1 AS f, bend * m2 + d * (d - 1) AS d1
                    FROM (
                        SELECT *, ln(mills) - height - target AS excess, mean * (1 - x) AS bend, mills * mills AS m2,
                            slope * mills AS d
                        FROM _pool_odds_at('_pool_odds')
                    )
                )
            )
        )
    )
    SELECT id, CASE WHEN w IS NULL OR side > 0 THEN result ELSE 1 - result END AS result,
        CASE WHEN side < 0 THEN result ELSE 1 - result END AS below
    FROM _pool_odds WHERE result IS NOT NULL;
