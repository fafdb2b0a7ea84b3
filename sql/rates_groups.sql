-- ---------------------------------------------------------------------------------------------------------------------
-- Rates and counts, rows to models: x of n trials, or x events in an exposure n. `family` is 'rates' or 'counts'.
--
-- A group is known by x and n, so groups are grouped once more by both.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---- rows to groups -------------------------------------------------------------------------------------------------

-- What is wrong with a row: 1 and 2 no number, 3 and 4 not allowed, 5 more than there are trials.
CREATE OR REPLACE MACRO _pool_fault(x, n, family) AS
    CASE
        WHEN x >= 0 AND n > 0 AND n < 'infinity'::DOUBLE AND floor(x) = x
            AND CASE WHEN family = 'rates' THEN x <= n AND floor(n) = n ELSE x < 'infinity'::DOUBLE END THEN NULL
        WHEN x IS NULL OR n IS NULL THEN NULL
        WHEN NOT isfinite(x) THEN 1
        WHEN NOT isfinite(n) THEN 2
        WHEN x < 0 OR floor(x) <> x THEN 3
        WHEN n < 0 OR CASE WHEN family = 'rates' THEN floor(n) <> n ELSE n = 0 END THEN 4
        WHEN family = 'rates' AND x > n THEN 5
    END;

-- How many rows have a fault of a kind.
CREATE OR REPLACE MACRO _pool_faults(x, n, family, kind) AS
    count(CASE WHEN _pool_fault(x, n, family) = kind THEN 1 END);

-- One row a group: keys, those of the model once more and as one struct, sums of x and n, and the faults by kind. A row
-- that lacks x or n does not count.
CREATE OR REPLACE MACRO _pool_rate_groups(tbl, value, base, "by", over, nan, family) AS TABLE
    SELECT * REPLACE (coalesce(_pool_x, 0.0) AS _pool_x, coalesce(_pool_n, 0.0) AS _pool_n),
        struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT over, "by", over AS _pool_over, sum(_pool_beside(value, base, nan)) AS _pool_x,
            sum(_pool_beside(base, value, nan)) AS _pool_n,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 1) AS _pool_faults_1,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 2) AS _pool_faults_2,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 3) AS _pool_faults_3,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 4) AS _pool_faults_4,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 5) AS _pool_faults_5
        FROM query_table(tbl)
        GROUP BY ALL
    );

-- Groups of equal x and n in one row: how many (k).
CREATE OR REPLACE MACRO _pool_rate_pairs(groups) AS TABLE
    SELECT x, n, k, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_x AS x, _pool_n AS n, count(*)::DOUBLE AS k
        FROM query_table(groups)
        GROUP BY ALL
    );

-- The sentence for a kind of fault in a number of rows.
CREATE OR REPLACE MACRO _pool_faulty(fault, bad, names, family) AS
    CASE fault
        WHEN 1 THEN 'value=''' || names[1] || ''' is NaN or infinite'
        WHEN 2 THEN CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END
            || '=''' || names[2] || ''' is NaN or infinite'
        WHEN 3 THEN 'value=''' || names[1] || ''' is negative or fractional'
        WHEN 4 THEN CASE WHEN family = 'rates' THEN 'trials=''' || names[2] || ''' is negative or fractional'
            ELSE 'exposure=''' || names[2] || ''' is 0 or negative' END
        ELSE 'value=''' || names[1] || ''' exceeds trials=''' || names[2] || ''''
    END
    || ' in ' || CASE WHEN bad = 1 THEN '1 row' ELSE format('{:,} rows', bad::BIGINT) END || ': '
    || CASE fault
        WHEN 1 THEN 'remove them, or count them as missing with nan=''null'''
        WHEN 2 THEN 'remove them, or count them as missing with nan=''null'''
        WHEN 3 THEN 'a count is a whole number of 0 or more'
        WHEN 4 THEN CASE WHEN family = 'rates' THEN 'trials are a whole number of 0 or more'
            ELSE 'an exposure is a number above 0' END
        ELSE 'there are no more events than trials'
    END;

-- One row: true, or an error if a row has a fault.
CREATE OR REPLACE MACRO _pool_rates_sound(groups, family) AS TABLE
    WITH faults AS (
        SELECT unnest([1, 2, 3, 4, 5]) AS fault, unnest([sum(_pool_faults_1), sum(_pool_faults_2), sum(_pool_faults_3),
            sum(_pool_faults_4), sum(_pool_faults_5)]) AS bad
        FROM query_table(groups)
    ),
    worst AS (SELECT arg_min({fault: fault, bad: bad}, fault) AS worst FROM faults WHERE bad > 0)
    SELECT CASE WHEN worst IS NULL THEN true ELSE error(_pool_faulty(worst.fault, worst.bad, column_names, family)) END
        AS sound
    FROM worst, _pool_given;

-- ---- groups to models -----------------------------------------------------------------------------------------------

-- The models by number, with their sums. Without `over` there is one, even of nothing.
CREATE OR REPLACE MACRO _pool_rate_models(pairs, checked) AS TABLE
    WITH counted AS (
        SELECT _pool_model, sum(CASE WHEN n > 0 THEN k ELSE 0.0 END) AS j, sum(k * x) AS xs, sum(k * n) AS ns,
            true AS present
        FROM query_table(pairs)
        GROUP BY _pool_model
    )
    SELECT row_number() OVER () AS model, _pool_model, coalesce(j, 0.0) AS j, coalesce(xs, 0.0) AS xs,
        coalesce(ns, 0.0) AS ns, CASE WHEN ns > 0 THEN xs / ns END AS pi
    FROM (SELECT no_over FROM query_table(checked), _pool_given WHERE sound) LEFT JOIN counted ON true
    WHERE no_over OR present;

CREATE OR REPLACE MACRO _pool_rate_numbered(pairs, models) AS TABLE
    SELECT model, x, n, k, p._pool_model
    FROM query_table(pairs) AS p, query_table(models) AS m
    WHERE _pool_same(m._pool_model, p._pool_model);

-- The known prior as two numbers.
CREATE OR REPLACE MACRO _pool_rate_prior(prior, i) AS
    CASE WHEN _pool_prior_name(prior) IN ('beta', 'gamma') THEN _pool_prior_numbers(prior)[i] END;

-- Whether a pair is evaluated by itself, as its terms are far larger than their sum; others by their classes.
CREATE OR REPLACE MACRO _pool_is_many(x, n, family) AS CASE WHEN family = 'rates' THEN n ELSE x END > 1e4;

-- x - n mean as if the product were exact (Dekker 1971): the upper half of a double leaves a lower one.
CREATE OR REPLACE MACRO _pool_upper_half(a) AS 134217729.0::DOUBLE * a - (134217729.0::DOUBLE * a - a);
CREATE OR REPLACE MACRO _pool_excess(x, n, mean) AS
    x - n * mean - CASE WHEN n < 1e290
        THEN ((_pool_upper_half(n) * _pool_upper_half(mean) - n * mean)
            + _pool_upper_half(n) * (mean - _pool_upper_half(mean)) + (n - _pool_upper_half(n)) * _pool_upper_half(mean))
            + (n - _pool_upper_half(n)) * (mean - _pool_upper_half(mean))
        ELSE 0.0 END;

-- What can be told before the search: `way` says how the prior is found, also by moments (of rates Kleinman 1973), and
-- `differ` whether x varies by more than chance in the binomial, or Poisson, model of all groups alike, so that the
-- likelihood has a maximum inside (Tarone 1979); with nothing but all and none it grows as the size falls to 0.
CREATE OR REPLACE MACRO _pool_rate_facts(models, numbered, prior, family) AS TABLE
    WITH deviations AS (
        SELECT *, _pool_excess(x, n, pi) AS over, CASE WHEN _pool_is_many(x, n, family) THEN 0.0 ELSE k END AS few
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
            CASE WHEN family = 'rates'
                THEN (shares - pq * (j - 1)) / (pq * (ns - n2 / ns - (j - 1)))
                ELSE (shares - (j - 1) * pi) / (pi * pi * (ns - n2 / ns)) END AS excess,
            _pool_rate_prior(prior, 1) AS known_a, _pool_rate_prior(prior, 2) AS known_b
        FROM query_table(models) LEFT JOIN spread USING (model)
    )
    SELECT * EXCLUDE (squares, shares, n2, pq, excess), squares > pq * ns * (1 + 1e-12) AS differ,
        CASE
            WHEN known_a IS NOT NULL THEN 'known'
            WHEN j = 0 THEN 'nothing'
            WHEN pq = 0 OR j = 1 OR family = 'rates' AND n2 = ns THEN 'pooled'
            WHEN _pool_name(prior) = 'moments' THEN CASE
                WHEN excess > 1e-12 AND (excess < 1 OR family = 'counts') THEN 'moments'
                WHEN excess > 1e-12 THEN 'split'
                ELSE 'pooled' END
            WHEN family = 'rates' AND whole + none = j THEN 'split'
            ELSE 'searched'
        END AS way,
        CASE
            WHEN excess <= 1e-12 THEN 'infinity'::DOUBLE
            WHEN family = 'rates' THEN greatest((1 - excess) / excess, 0.0)
            ELSE 1 / excess
        END AS size_of_moments
    FROM noise;
