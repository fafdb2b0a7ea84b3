-- ---------------------------------------------------------------------------------------------------------------------
-- Models of rates before the search: their sums, and how the prior is estimated.
-- ---------------------------------------------------------------------------------------------------------------------

-- The models by number, with their sums. Without `over` there is one model, even without rows.
CREATE OR REPLACE MACRO _pool_rate_models(pairs, checked) AS TABLE
    WITH counted AS (
        SELECT _pool_model, sum(CASE WHEN n > 0 THEN k ELSE 0.0 END) AS j, sum(k * x) AS xs, sum(k * n) AS ns,
            true AS present
        FROM query_table(pairs)
        GROUP BY _pool_model
    )
    SELECT row_number() OVER () AS model, _pool_model, coalesce(j, 0.0) AS j, coalesce(xs, 0.0) AS xs,
        coalesce(ns, 0.0) AS ns, CASE WHEN ns > 0 THEN xs / ns END AS pi
    FROM (SELECT no_over FROM query_table(checked), _pool_request WHERE sound) LEFT JOIN counted ON true
    WHERE no_over OR present;

CREATE OR REPLACE MACRO _pool_rate_numbered(pairs, models) AS TABLE
    SELECT model, x, n, k, p._pool_model
    FROM query_table(pairs) AS p, query_table(models) AS m
    WHERE _pool_same(m._pool_model, p._pool_model);

-- The known prior as two numbers.
CREATE OR REPLACE MACRO _pool_rate_prior(prior, i) AS
    CASE WHEN _pool_prior_name(prior) IN ('beta', 'gamma') THEN _pool_prior_numbers(prior)[i] END;

-- Whether a pair is evaluated alone, because its terms are far larger than their sum; other pairs by their classes.
CREATE OR REPLACE MACRO _pool_is_many(x, n, family) AS CASE WHEN family = 'rates' THEN n ELSE x END > 1e4;

-- The models before the search. `way` is how the prior is estimated: by a search, by moments (for rates Kleinman 1973),
-- or from a limit. `differ`: x varies by more than chance in the binomial, or Poisson, model with one rate for all
-- groups; then the likelihood has a maximum at a finite size (Tarone 1979). Where every group has only events or none
-- ('split'), the likelihood grows as the size falls to 0.
CREATE OR REPLACE MACRO _pool_rate_facts(models, numbered, prior, family) AS TABLE
    WITH deviations AS (
        SELECT *, _pool_rate_excess(x, n, pi) AS over, CASE WHEN _pool_is_many(x, n, family) THEN 0.0 ELSE k END AS few
        FROM query_table(numbered) JOIN (SELECT model, pi FROM query_table(models)) USING (model)
        WHERE n > 0
    ),
    spread AS (
        SELECT model, fsum(k * over * over) AS squares, fsum(k * over * over / n) AS shares, sum(k * n * n) AS n2,
            sum(CASE WHEN x = n THEN k ELSE 0.0 END) AS whole, sum(CASE WHEN x = 0 THEN k ELSE 0.0 END) AS none,
            sum(few * x) AS few_xs, sum(few * n) AS few_ns, fsum(few * over) AS few_over,
            fsum(few * CASE WHEN family = 'rates' THEN lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1)
                ELSE -lgamma(x + 1) END) AS constant,
            fsum(CASE WHEN family = 'counts' THEN few * x * ln(n) ELSE 0.0 END) AS of_exposure
        FROM deviations
        GROUP BY model
    ),
    noise AS (
        SELECT *, CASE WHEN family = 'rates' THEN pi * (1 - pi) ELSE pi END AS pq,
            CASE WHEN family = 'rates' THEN _pool_rate_of_trials(shares, pi, j - 1, ns - n2 / ns)
                ELSE _pool_rate_of_exposure(shares, pi, j - 1, ns - n2 / ns) END AS overdispersion,
            _pool_rate_prior(prior, 1) AS known_a, _pool_rate_prior(prior, 2) AS known_b
        FROM query_table(models) LEFT JOIN spread USING (model)
    )
    SELECT * EXCLUDE (squares, shares, n2, pq, overdispersion), squares > pq * ns * (1 + 1e-12) AS differ,
        CASE
            WHEN known_a IS NOT NULL THEN 'known'
            WHEN j = 0 THEN 'nothing'
            WHEN pq = 0 OR j = 1 OR family = 'rates' AND n2 = ns THEN 'pooled'
            WHEN _pool_name(prior) = 'moments' THEN CASE
                WHEN overdispersion > 1e-12 AND (overdispersion < 1 OR family = 'counts') THEN 'moments'
                WHEN overdispersion > 1e-12 THEN 'split'
                ELSE 'pooled' END
            WHEN family = 'rates' AND whole + none = j THEN 'split'
            ELSE 'searched'
        END AS way,
        CASE
            WHEN overdispersion <= 1e-12 THEN 'infinity'::DOUBLE
            WHEN family = 'rates' THEN greatest((1 - overdispersion) / overdispersion, 0.0)
            ELSE 1 / overdispersion
        END AS size_of_moments
    FROM noise;
