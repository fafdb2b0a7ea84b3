-- ---------------------------------------------------------------------------------------------------------------------
-- Rates and counts, rows to models: x of n trials, or x events in an exposure n.
--
-- A group is known by x and n, so groups are grouped once more by both.
-- ---------------------------------------------------------------------------------------------------------------------

-- The fault of a row: x (1) or n (2) is not finite, x (3) or n (4) is not allowed, or x is above n (5).
CREATE OR REPLACE MACRO _pool_fault(x, n, family) AS
    CASE
        WHEN NOT isfinite(x) THEN 1
        WHEN NOT isfinite(n) THEN 2
        WHEN x < 0 OR floor(x) <> x THEN 3
        WHEN n < 0 OR CASE WHEN family = 'rates' THEN floor(n) <> n ELSE n = 0 END THEN 4
        WHEN family = 'rates' AND x > n THEN 5
    END;

-- n of a row with x, or a negative number for a fault, far larger for the first faults: so a sum of n shows the first
-- fault and its number of rows without another aggregate (as _pool_bad), up to 2^49 rows.
CREATE OR REPLACE MACRO _pool_faulty_n(fault) AS -(2.0::DOUBLE ** (1020 - 50 * fault));
CREATE OR REPLACE MACRO _pool_first_fault(total) AS ceil((1020 - log2(-total)) / 50);
CREATE OR REPLACE MACRO _pool_checked_n(x, n, family) AS
    CASE
        WHEN x >= 0 AND n > 0 AND n < 'infinity'::DOUBLE AND floor(x) = x
            AND CASE WHEN family = 'rates' THEN x <= n AND floor(n) = n ELSE x < 'infinity'::DOUBLE END THEN n
        WHEN x IS NOT NULL AND n IS NOT NULL THEN coalesce(_pool_faulty_n(_pool_fault(x, n, family)), n)
    END;

-- One row per group: its keys, the keys of its model under private names and as one struct, and sums of x and n. A row
-- without x or n does not count.
CREATE OR REPLACE MACRO _pool_rate_groups(tbl, value, base, "by", over, nan, family) AS TABLE
    SELECT * REPLACE (coalesce(_pool_x, 0.0) AS _pool_x, coalesce(_pool_n, 0.0) AS _pool_n),
        struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT over, "by", over AS _pool_over, sum(_pool_paired(value, base, nan)) AS _pool_x,
            sum(_pool_checked_n(_pool_value(value, nan), _pool_value(base, nan), family)) AS _pool_n
        FROM query_table(tbl)
        GROUP BY ALL
    );

-- Groups of equal x and n in one row, with their number k.
CREATE OR REPLACE MACRO _pool_rate_pairs(groups) AS TABLE
    SELECT x, n, k, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_x AS x, _pool_n AS n, count(*)::DOUBLE AS k
        FROM query_table(groups)
        GROUP BY ALL
    );
