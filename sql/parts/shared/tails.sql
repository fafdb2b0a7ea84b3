-- ---------------------------------------------------------------------------------------------------------------------
-- Tails and quantiles of many beta and gamma distributions at once, one per row, by the formulas of
-- distributions/odds.sql: they are planned once and run column by column.
-- ---------------------------------------------------------------------------------------------------------------------

-- Nodes and weights for a window: 24 where both shapes are 32 or more and the integrand is nearly that of a normal tail
-- (error below 1e-12), else 48.
CREATE OR REPLACE MACRO _pool_nodes_of(a, b) AS
    CASE WHEN a >= 32 AND b >= 32 THEN _pool_nodes_of_24() ELSE _pool_nodes_of_48() END;
CREATE OR REPLACE MACRO _pool_weights_of(a, b) AS
    CASE WHEN a >= 32 AND b >= 32 THEN _pool_weights_of_24() ELSE _pool_weights_of_48() END;

-- The integral over the window of the density of the log odds, divided by that at its beginning and by the width:
-- `reach` is the signed width, `lead` is reach times the power of the odds, x and y are the probabilities at the
-- beginning, and n is the power of the change y + x exp(u). Where n is large, it amplifies the rounding of this change:
-- there the sum has another form. For the gamma distribution x is 0. One CASE outside of the lambdas is three times as
-- fast as one inside.
CREATE OR REPLACE MACRO _pool_window_integral(nodes, weights, reach, lead, x, y, n, mean) AS
    list_dot_product(weights, CASE
        WHEN n < 1e4 THEN list_transform(nodes, lambda node: exp(lead * node - n * ln(y + x * exp(reach * node))))
        WHEN isinf(n) THEN list_transform(nodes, lambda node:
            exp(lead * node - 2 * mean * sinh(reach * node / 2) * exp(reach * node / 2)))
        ELSE list_transform(nodes, lambda node: exp(lead * node - 2 * n
            * atanh(x * sinh(reach * node / 2) / (exp(-reach * node / 2) + x * sinh(reach * node / 2)))))
    END);

-- The height of the density at w, how far its logarithm lies below that at the mode, for |w| < 1/4: the integral of the
-- slope from 0 to w, which loses no digits. The slope has no pole within pi, so six points give it all digits.
CREATE OR REPLACE MACRO _pool_height_near_mode(a, b, w) AS
    a / (1 + a / b) * w * list_dot_product(_pool_weights_of_6(), list_transform(_pool_nodes_of_6(), lambda node:
        2 * sinh(w * node / 2) / (exp(-w * node / 2) / (1 + a / b) + exp(w * node / 2) / (1 + b / a))));

-- Requests with the integral over all w, the split, and the point where the search of a quantile begins. It begins at
-- the split, unless `z`, the normal quantile of p, is known and p lies clearly on one side: there at the sum of the
-- first cumulants of a difference of log gamma variables (Cornish & Fisher 1938).
CREATE OR REPLACE MACRO _pool_begun_odds(requests) AS TABLE
    SELECT id, a, b, p, w IS NULL AS searches, split, integral, 0 AS step,
        CASE WHEN CASE WHEN start IS NULL THEN w > split ELSE p > 0.5 END THEN 1.0::DOUBLE ELSE -1.0::DOUBLE END
            AS side,
        CASE WHEN start IS NULL THEN coalesce(w, split) WHEN p > 0.5 THEN greatest(split, start)
            ELSE least(split, start) END AS place,
        CASE WHEN start IS NOT NULL THEN ln(CASE WHEN p > 0.5 THEN 1 - p ELSE p END * integral) END AS target,
        NULL::DOUBLE AS result
    FROM (
        SELECT id, a, b, w, p, ln((1 + u) / (1 + v)) AS split,
            sqrt(6.2831853071795864769e0 * (u + v)) * r[1] * (r[2] / r[3]) AS integral,
            CASE
                WHEN a >= 1 AND b >= 1 AND abs(p - 0.5) > 0.4
                    THEN (1 + v / 6) * v / 2 - (1 + u / 6) * u / 2 + sqrt(variance) * z
                        + ((1 + (1 + v / 2) * v) * (v * v) - (1 + (1 + u / 2) * u) * (u * u)) / variance
                            * (z * z - 1) / 6
            END AS start
        FROM (
            SELECT id, a, b, w, p, z, 1 / a AS u, 1 / b AS v, _pool_stirling_ratios([a, b, a + b]) AS r,
                (1 + (0.5 + 1 / (6 * a)) / a) / a + (1 + (0.5 + 1 / (6 * b)) / b) / b AS variance
            FROM query_table(requests)
        )
    );

-- Searches with the height of the density, Mills' ratio and its derivatives at their point, outward. a_, b_, w_ and s
-- are a, b, place and side, with the odds inverted where x > 1/2; y is 1 - x, and `mean` is (a + b) x.
CREATE OR REPLACE MACRO _pool_odds_at(search) AS TABLE
    WITH turned AS (
        SELECT *, CASE WHEN turn THEN b ELSE a END AS a_, CASE WHEN turn THEN a ELSE b END AS b_,
            CASE WHEN turn THEN -place ELSE place END AS w_, CASE WHEN turn THEN -side ELSE side END AS s
        FROM (SELECT *, a * exp(place) > b AS turn FROM query_table(search) WHERE result IS NULL)
    ),
    placed AS (
        SELECT *, pool_expm1(w_) AS e, 1 / (1 + a_ * exp(w_) / b_) AS y, a_ * exp(w_) * (1 + a_ / b_) * y AS mean
        FROM turned
    ),
    sloped AS (
        SELECT *, mean / (a + b) AS x, s * a_ * e * y AS slope,
            CASE
                WHEN abs(w_) < 0.25 THEN _pool_height_near_mode(a_, b_, w_)
                WHEN isinf(b_) THEN a_ * (e - w_)
                ELSE (a + b) * pool_log1p(e / (1 + b_ / a_)) - a_ * w_
            END AS height
        FROM placed
    ),
    pushed AS (
        SELECT *, greatest(0.0, slope + CASE WHEN s < 0 THEN y ELSE x END) AS push, (mean + x) * y AS curvature
        FROM sloped
    ),
    windowed AS (
        SELECT *, CASE
                WHEN s > 0 AND _pool_window_level(push, curvature) < 2 * ln(y / x)
                    THEN _pool_window_level(push, curvature)
                ELSE _pool_window(push, curvature)
            END AS width
        FROM pushed
    )
    SELECT id, a, b, p, searches, split, integral, step, side, place, target, s, x, y, mean, slope, height,
        1 / CASE WHEN s < 0 THEN a_ ELSE b_ END
            + CASE WHEN s < 0 THEN mean / a_ ELSE y * (1 + a_ / b_) END * width
                * _pool_window_integral(_pool_nodes_of(a, b), _pool_weights_of(a, b), s * width,
                    s * width * CASE WHEN s < 0 THEN a_ + 1 ELSE a_ END, x, y, a + b + 1, mean)
            AS mills
    FROM windowed;

-- For each id of the requests (id, a, b, w, p, z): where w is not null, the probabilities of more than w (`result`) and
-- of no more (`below`); else the w with probability p below it. A search begins with the tail at w, with the side of p,
-- or near the quantile. It goes outward to the point where `excess` = log tail - log target is 0: by Halley's steps far
-- from it, then by four terms of the quantile's Taylor series (see _pool_outward_series), until a fifth would be too
-- small to be seen.
CREATE OR REPLACE MACRO _pool_tails_and_quantiles(requests) AS TABLE
    WITH RECURSIVE _pool_odds AS (
        FROM _pool_begun_odds(requests)
        UNION ALL
        SELECT id, a, b, p, searches, split, integral, step + 1,
            CASE WHEN target IS NULL AND p > tail THEN 1.0 ELSE side END, coalesce(moved, place),
            CASE WHEN target IS NOT NULL THEN target WHEN p <= tail THEN ln(p * integral)
                ELSE ln((1 - p) * integral) END,
            CASE
                WHEN NOT searches THEN tail
                WHEN step = 60 OR near AND abs(excess) <= 0.02 AND abs(last) * greatest(1.0, mills) <= 1e-6 THEN moved
            END
        FROM (
            SELECT *, abs(excess) < 0.5 AND abs(last) < 1.2 AS near,
                side * greatest(side * split, side * place + CASE
                    WHEN near THEN mills * excess * (1 + excess / 2 * (d - 1 + excess / 3 * third) + last / 24)
                    ELSE _pool_outward_step(excess, mills, slope) END) AS moved
            FROM (
                SELECT *, bend + (d - 1) * (2 * d - 1) AS third, excess ** 3 * ((d - 1) * third
                    + (4 * d - 3) * (bend + d * (d - 1)) + bend * (s * (y - x) * mills + 2 * d - 2)) AS last
                FROM (
                    SELECT *, ln(mills) - height - target AS excess, mean * y * mills * mills AS bend,
                        slope * mills AS d,
                        CASE WHEN height > 745 THEN 0.0 ELSE exp(-height) * mills / integral END AS tail
                    FROM _pool_odds_at('_pool_odds')
                )
            )
        )
    )
    SELECT id, CASE WHEN searches OR side > 0 THEN result ELSE 1 - result END AS result,
        CASE WHEN side < 0 THEN result ELSE 1 - result END AS below
    FROM _pool_odds WHERE result IS NOT NULL;
