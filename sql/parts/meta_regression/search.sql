-- ---------------------------------------------------------------------------------------------------------------------
-- Estimates of tau2, or of rho = tau2 / sigma2 where both are estimated together: the statistics at a point, and the
-- search of roots. A grid brackets every minimum of a deviance, a search closes each bracket, the deepest is the
-- estimate.
-- ---------------------------------------------------------------------------------------------------------------------

-- Points with the sums over the classes of their model, with weights h = 1 / (u + at) and their powers.
CREATE OR REPLACE MACRO _pool_toward_at(points, standard) AS TABLE
    WITH sums AS (
        FROM query_table(points) JOIN (
            SELECT id, sum(k * h) AS s1, sum(k * h * h) AS s2, sum(k * h * h * h) AS s3, sum(kz * h) AS z1,
                sum(kz * h * h) AS z2, sum(kz * h * h * h) AS z3, sum(kzz * h) AS zz1, sum(kzz * h * h) AS zz2,
                sum(kzz * h * h * h) AS zz3, sum(kr * h) AS r1, sum(kr * h * h) AS r2, sum(kzr * h) AS zr1,
                sum(kzr * h * h) AS zr2, sum(krr * h) AS rr1, sum(krr * h * h) AS rr2, -sum(k * ln(h)) AS logs
            FROM (
                SELECT id, k, kz, kr, kzz, kzr, krr, 1 / (u + point) AS h
                FROM (SELECT id, model, point FROM query_table(points) WHERE NOT closed)
                JOIN query_table(standard) USING (model)
            )
            GROUP BY id
        ) USING (id)
    )
    FROM _pool_toward_statistics('sums');

-- Points with the deviance along the profile of tau2, with the most likely sigma2 at each rho.
CREATE OR REPLACE MACRO _pool_toward_profiles(statistics, restricted) AS TABLE
    SELECT *,
        CASE
            WHEN jointly THEN pool_rows_deviance(ssw, wr2, logs, sigma2_at, n)
                + CASE WHEN restricted THEN log_information - p * ln(sigma2_at) ELSE 0.0 END
            ELSE pool_ml_deviance(logs, wr2) + CASE WHEN restricted THEN log_information ELSE 0.0 END
        END AS profile
    FROM (
        SELECT *, pool_ml_variance_at(ssw, wr2 - point * w2r2,
            CASE WHEN restricted THEN j - p - point * trace ELSE j - point * s1 END, n - j) AS sigma2_at
        FROM query_table(statistics)
    );

-- Points with what rises through 0 at a root: of an estimator where `of_estimator`, else the expectation of Q less Q,
-- or the deviance less its target; then `deviance` is sigma2 there.
CREATE OR REPLACE MACRO _pool_toward_risen(points, standard, method, of_estimator) AS TABLE
    WITH statistics AS (FROM _pool_toward_at(points, standard)),
    estimators AS (FROM _pool_toward_rises('statistics', method)),
    limits AS (
        SELECT *, CASE WHEN expected IS NOT NULL THEN expected - wr2 ELSE side * (profile - target) END AS rise,
            sigma2_at AS deviance
        FROM _pool_toward_profiles('statistics', _pool_is_restricted(method))
    )
    FROM query_table(CASE WHEN of_estimator THEN 'estimators' ELSE 'limits' END);

-- The roots of each search: between neighbouring points, at the first point where it does not fall there, or beyond the
-- last one (not done).
CREATE OR REPLACE MACRO _pool_toward_roots(risen, standard, method, of_estimator) AS TABLE
    WITH RECURSIVE pairs AS (
        SELECT *, lead(point) OVER neighbours AS next_at, lead(rise) OVER neighbours AS next_rise
        FROM query_table(risen)
        WHERE NOT isnan(rise)
        WINDOW neighbours AS (PARTITION BY search ORDER BY i)
    ),
    _pool_toward_search AS (
        SELECT 0 AS step, false AS closed, id, search, model, p, j, n, ssw, jointly, joint_df, expected, target, side,
            (point + next_at) / 2 AS point, next_at AS x1, next_rise AS f1, point AS x2, rise AS f2, NULL::DOUBLE AS x3,
            NULL::DOUBLE AS f3, NULL::DOUBLE AS depth
        FROM pairs WHERE rise < 0 AND next_rise >= 0
        UNION ALL
        SELECT step + 1, _pool_is_closed(x1, f1, x2, f2), id, search, model, p, j, n, ssw, jointly, joint_df, expected,
            target, side,
            CASE
                WHEN _pool_is_closed(x1, f1, x2, f2) THEN x1
                ELSE x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, (f1 - f2) / (f3 - f2),
                    (x1 - x2) / (x3 - x2), _pool_tolerance(x1, f1, x2, f2) / 2 / abs(x2 - x1))
            END,
            x1, f1, x2, f2, x3, f3, depth
        FROM (
            SELECT step, id, search, model, p, j, n, ssw, jointly, joint_df, expected, target, side, deviance AS depth,
                point AS x1, rise AS f1,
                CASE WHEN (rise < 0) = (f1 < 0) THEN x2 ELSE x1 END AS x2,
                CASE WHEN (rise < 0) = (f1 < 0) THEN f2 ELSE f1 END AS f2,
                CASE WHEN (rise < 0) = (f1 < 0) THEN x1 ELSE x2 END AS x3,
                CASE WHEN (rise < 0) = (f1 < 0) THEN f1 ELSE f2 END AS f3
            FROM _pool_toward_risen('_pool_toward_search', standard, method, of_estimator)
        )
        WHERE step < 200
    )
    SELECT search, point AS x, depth, true AS done FROM _pool_toward_search WHERE closed
    UNION ALL
    SELECT search, point, deviance, rise >= 0 FROM pairs WHERE i = 0 AND rise >= 0 OR next_at IS NULL AND rise < 0;
