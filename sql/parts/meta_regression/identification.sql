-- ---------------------------------------------------------------------------------------------------------------------
-- Which models the data determine, in a standard form: the predictor as z, of mean 0 and mean square 1 over the groups,
-- and the residuals r of the plain fit in place of y, which keep more digits.
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether sums with weights 1 / (v + tau2) keep half of their digits: the heaviest group hides what the others say.
CREATE OR REPLACE MACRO _pool_toward_keeps(vmin, vmax, tau2) AS vmax + tau2 <= 1e8 * (vmin + tau2);

-- Counts and the variance within of each model.
CREATE OR REPLACE MACRO _pool_toward_within(models, sigma2) AS TABLE
    SELECT *, NOT published AND _pool_name(sigma2) = 'pooled' AS on_rows,
        published OR _pool_own_variance(sigma2) AS own_v,
        CASE WHEN NOT published THEN coalesce(_pool_number(sigma2), pool_pooled_variance(ssw, n, j)) END AS pooled,
        NULL::DOUBLE AS df_prior, NULL::DOUBLE AS sigma2_prior
    FROM query_table(models), (SELECT published FROM _pool_request)
    WHERE j > 0;

-- Classes with groups, less the means of their model, with the sampling variance of these groups.
CREATE OR REPLACE MACRO _pool_toward_sampled(classes, counted, sigma2) AS TABLE
    SELECT model, k, w, x - mean_x AS x, y - mean_y AS y, xx, xy, yy,
        CASE WHEN published THEN v ELSE pool_sampling_variance(CASE _pool_name(sigma2)
            WHEN 'separate' THEN pool_separate_variance(c.n, squares / (c.n - 1), pooled)
            WHEN 'squeezed' THEN pool_squeezed_variance(c.n, squares / (c.n - 1), df_prior, sigma2_prior)
            ELSE pooled
        END, w) END AS v
    FROM query_table(classes) AS c, (
        SELECT model, _pool_model, published, mean_x, mean_y, pooled, df_prior, sigma2_prior FROM query_table(counted)
    ) AS m
    WHERE _pool_same(m._pool_model, c._pool_model) AND k > 0;

-- Models with their number of terms p, with and without the predictor where `terms` is [2, 1]. A predictor that is the
-- same in all groups up to rounding is none. Where the fourth power of the spread may overflow or underflow, the model
-- is computed in a unit of its own, a power of two; DOUBLE has to hold the square of the spread.
CREATE OR REPLACE MACRO _pool_toward_identified(counted, sampled, terms, tau2, method) AS TABLE
    WITH spreads AS (
        SELECT model, count(v) = count(*) AS has_v, min(v) AS vmin, max(v) AS vmax,
            sum(k * (x * x + xx)) / sum(k) AS sxx, sum(k * (x * y + xy)) / sum(k) AS sxy,
            sum(k * (y * y + yy)) / sum(k) AS syy, max(y) - min(y) + sqrt(max(yy)) AS width
        FROM query_table(sampled) GROUP BY model
    ),
    sized AS (
        SELECT *, p = 2 AND NOT sxx > (8 * 2.220446049250313e-16 * reach) ** 2 AS dependent,
            CASE WHEN p = 1 THEN 0.0 WHEN sxx > 0 THEN 1 / sqrt(sxx) ELSE 1.0 END AS per_x,
            CASE WHEN p = 2 AND sxx > 0 THEN sxy / sxx ELSE 0.0 END AS plain_slope,
            greatest(width, sqrt(ssw / n), CASE WHEN published THEN sqrt(vmin) END) AS apart,
            CASE WHEN apart > 0 THEN apart WHEN published AND vmax > 0 THEN sqrt(vmax) ELSE abs(mean_y) END AS size,
            size = 0 OR size > 2.0 ** -506 AND size < 2.0 ** 506 AS measurable,
            CASE WHEN size = 0 OR size BETWEEN 2.0 ** -100 AND 2.0 ** 100 OR NOT measurable THEN 1.0
                ELSE 2.0 ** round(log2(size)) END AS unit_, unit_ * unit_ AS square_unit
        FROM query_table(counted) JOIN spreads USING (model), (SELECT unnest(terms)::DOUBLE AS p)
    )
    SELECT 2 * model + (p = 1)::BIGINT AS model, model AS pair, _pool_model, p, j, n, ssw / square_unit AS ssw, wmin,
        wmax, mean_x, mean_y, published, on_rows, CASE WHEN measurable THEN pooled / square_unit END AS pooled,
        df_prior, sigma2_prior, dependent, per_x, plain_slope, unit_, vmin / square_unit AS vmin,
        vmax / square_unit AS vmax,
        syy / square_unit AS crude, measurable,
        has_v AND measurable AND (vmin > 0 OR vmax = 0 OR coalesce(_pool_number(tau2) > 0, false))
            AND (NOT own_v OR _pool_toward_keeps(vmin, vmax, coalesce(_pool_number(tau2), vmax))) AS identified, own_v,
        j >= p AND NOT dependent AS regular, identified AND regular AND j - p >= 1 AS estimable,
        estimable AND on_rows AND sized.ssw > 0 AND _pool_is_joint(method) AS jointly,
        _pool_toward_joint_df(method, n, p) AS joint_df
    FROM sized;

-- The classes of each model in standard form: k and its products with z and r, and u, which is v, or 1 / w where sigma2
-- and tau2 are estimated together. Means on a line have residuals of rounding errors, which are no variance.
CREATE OR REPLACE MACRO _pool_toward_standard(sampled, identified) AS TABLE
    SELECT model, k, w, v, CASE WHEN jointly THEN 1 / w ELSE v END AS u, k * z AS kz, k * (z * z + zz) AS kzz,
        counts * r AS kr, counts * (z * r + zr) AS kzr, counts * (r * r + rr) AS krr
    FROM (
        SELECT *, CASE WHEN max(r * r + rr) OVER models <= max(8 * 2.220446049250313e-16 * abs(y)) OVER models ** 2
            + 8 * 2.220446049250313e-16 * max(yy) OVER models THEN 0.0 ELSE k END AS counts
        FROM (
            SELECT f.model, k, w, v / (unit_ * unit_) AS v, jointly, x * per_x AS z, y / unit_ AS y,
                yy / (unit_ * unit_) AS yy, (y - plain_slope * x) / unit_ AS r, xx * per_x * per_x AS zz,
                (xy - plain_slope * xx) * per_x / unit_ AS zr,
                greatest(yy - plain_slope * (2 * xy - plain_slope * xx), 0.0) / (unit_ * unit_) AS rr
            FROM (SELECT * RENAME (model AS pair) FROM query_table(sampled)) JOIN (
                SELECT model, pair, per_x, plain_slope, unit_, jointly FROM query_table(identified)
            ) AS f USING (pair)
        )
        WINDOW models AS (PARTITION BY model)
    );

-- Models with the sums that estimators need: of the plain fit's squares, and mean values of v and its products with z.
-- One model whose predictor is the same in all groups is an error.
CREATE OR REPLACE MACRO _pool_toward_facts(identified, standard) AS TABLE
    SELECT * EXCLUDE (no_over, predictor)
    FROM query_table(identified) JOIN (
        SELECT model, sum(krr) AS plain_squares, sum(krr * v) AS v_squares, sum(krr * w) AS w_squares,
            sum(krr / w) AS squares_by_w, sum(k * ln(w)) AS logs_of_w, sum(k * v) / sum(k) AS v1,
            sum(kz * v) / sum(k) AS vz, sum(kzz * v) / sum(k) AS vzz, sum(k * v * v) / sum(k) AS v2,
            sum(kzz * v * v) / sum(k) AS v2zz
        FROM query_table(standard) GROUP BY model
    ) USING (model), (SELECT no_over FROM _pool_request), _pool_predictor
    WHERE CASE WHEN dependent AND no_over AND j >= p
        THEN error(_pool_message_predictor_constant(predictor)) ELSE true END;
