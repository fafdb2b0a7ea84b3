-- ---------------------------------------------------------------------------------------------------------------------
-- Critical values of robust intervals, by a search.
--
-- The worst distribution of t at a chi lies on two points, x1 and x2: on m alone where m > t0; else on 0 and t0 where
-- kappa m > t0; else on 0 and kappa m, or on the two points that balance. A case without alpha gets rho at its chi. A
-- case with alpha gets the chi at which rho is alpha, by Newton's steps in log rho within a bracket. Each step of the
-- recursion evaluates r at x1 and at x2 = root^2. It has one of these phases, and starts again at the next chi:
--   start      x2 = m, or the lower bound of t0: is m > t0?
--   edge       x2 = kappa m, or the upper bound of t0: is x2 > t0? if not, is x2 the worst point?
--   touching   t0 is searched between two x2
--   balancing  the x2 that balances is searched between two
-- ---------------------------------------------------------------------------------------------------------------------

-- Where the search for t0 begins. r is concave up to chi^2 = 3, and slightly above 3 so nearly that rho does not
-- change.
CREATE OR REPLACE MACRO _pool_root_from(m, kappa, chi) AS
    sqrt(CASE WHEN (kappa - 1) * m > 0 AND chi * chi > 3.0001 THEN _pool_larger(m, chi * chi - 3) ELSE m END);

-- The root of an upper bound of t0.
CREATE OR REPLACE MACRO _pool_root_to(chi) AS least(sqrt(2) * chi, chi + 10);

-- Searches with r at both points: `beyond`, whether x2 > t0, and f, which rises through 0 at the root. Where r and its
-- slopes underflow, f is 0, and the root lies further out.
CREATE OR REPLACE MACRO _pool_missed(search) AS TABLE
    SELECT *, pool_mixed(pool_share(m, t1, t2), at_t1, at_t2) AS rho,
        CASE WHEN phase = 'balancing' OR phase = 'edge' AND NOT beyond
            THEN pool_balance(t1, t2, at_t1, at_t2, slope1, slope2) ELSE tangent END AS f
    FROM (
        SELECT *, pool_tangent(t2, at_t1, at_t2, slope2) AS tangent,
            CASE WHEN (kappa - 1) * m > 0 AND chi * chi > 3.0001
                THEN tangent >= 0 AND CASE WHEN phase = 'start' THEN m ELSE t2 END >= chi * chi - 3
                ELSE true END AS beyond
        FROM (
            SELECT *, pool_noncoverage(t1, chi) AS at_t1, pool_noncoverage(t2, chi) AS at_t2,
                pool_noncoverage_slope(t1, chi) AS slope1, pool_noncoverage_slope(t2, chi) AS slope2
            FROM (
                SELECT * EXCLUDE (rho), root * root AS t2,
                    CASE WHEN phase = 'balancing' THEN pool_lower_point(t2, m, kappa) ELSE 0.0 END AS t1
                FROM query_table(search)
                WHERE phase <> 'settled'
            )
        )
    );

-- Searches with the bracket of each root, whether the worst distribution is known (`solved`), and Newton's step from
-- it.
CREATE OR REPLACE MACRO _pool_bracketed(search) AS TABLE
    SELECT * REPLACE (
            CASE WHEN solved AND rho >= alpha THEN chi ELSE low END AS low,
            CASE WHEN solved AND rho <= alpha THEN chi ELSE high END AS high),
        CASE WHEN solved AND rho > 0 AND alpha IS NOT NULL
            THEN rho * ln(rho / alpha) / pool_mixed(pool_share(m, t1, t2), pool_noncoverage_by_chi(t1, chi),
                pool_noncoverage_by_chi(t2, chi)) END AS newton
    FROM (
        SELECT *,
            coalesce(CASE
                WHEN phase = 'start' THEN beyond
                WHEN phase = 'edge' AND NOT beyond THEN f > 0
                ELSE abs(x2 - x1) <= tolerance
            END, true) AS solved
        FROM (
            SELECT * REPLACE (
                    root AS x1, f AS f1,
                    CASE WHEN opens THEN NULL WHEN keeps THEN x2 ELSE x1 END AS x2,
                    CASE WHEN opens THEN NULL WHEN keeps THEN f2 ELSE f1 END AS f2,
                    CASE WHEN opens THEN NULL WHEN keeps THEN x1 ELSE x2 END AS x3,
                    CASE WHEN opens THEN NULL WHEN keeps THEN f1 ELSE f2 END AS f3),
                -- rho is flat about its maximum: its error is the square of the error of x.
                1e-9 * least(root, 1e3) + 4e-16 * root AS tolerance
            FROM (
                SELECT *, phase = 'start' OR phase = 'edge' AND NOT beyond AS opens, (f > 0) = (f1 > 0) AS keeps
                FROM _pool_missed(search)
            )
        )
    );

-- The search: id, alpha, chi and rho of every case.
CREATE OR REPLACE MACRO _pool_critical_values(cases) AS TABLE
    WITH RECURSIVE _pool_critical_search AS (
        SELECT id, 'start' AS phase, m, kappa, alpha, chi, low, high, _pool_root_from(m, kappa, chi) AS root,
            NULL::DOUBLE AS x1, NULL::DOUBLE AS f1, NULL::DOUBLE AS x2, NULL::DOUBLE AS f2, NULL::DOUBLE AS x3,
            NULL::DOUBLE AS f3, NULL::DOUBLE AS rho
        FROM query_table(cases)
        UNION ALL
        SELECT id,
            CASE
                WHEN solved THEN CASE WHEN settled THEN 'settled' ELSE 'start' END
                WHEN phase = 'start' THEN 'edge'
                WHEN phase = 'edge' THEN CASE WHEN beyond THEN 'touching' ELSE 'balancing' END
                ELSE phase
            END,
            m, kappa, alpha, next, low, high,
            CASE
                WHEN solved THEN _pool_root_from(m, kappa, next)
                WHEN phase = 'start' THEN least(sqrt(kappa * m), _pool_root_to(chi))
                WHEN x2 IS NULL THEN _pool_root_to(chi)
                ELSE x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, (f1 - f2) / (f3 - f2),
                    (x1 - x2) / (x3 - x2), tolerance / 2 / abs(x2 - x1))
            END,
            x1, f1, x2, f2, x3, f3, rho
        FROM (
            SELECT *,
                alpha IS NULL OR near OR high - low <= 1e-13 * chi AS settled,
                CASE
                    WHEN NOT solved OR alpha IS NULL THEN chi
                    WHEN near OR chi - newton > low AND chi - newton < high THEN chi - newton
                    ELSE (low + high) / 2
                END AS next
            FROM (
                -- After a step this small, the next step would be about its square.
                SELECT *, coalesce(abs(newton) <= _pool_larger(1e-7 * least(chi, 1.0), 1e-13 * chi), false) AS near
                FROM _pool_bracketed('_pool_critical_search')
            )
        )
    )
    SELECT id, alpha, chi, rho FROM _pool_critical_search WHERE phase = 'settled';
