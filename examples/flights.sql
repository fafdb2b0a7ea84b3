-- Which aircraft arrive late? All flights that left New York City in 2013, pooled by aircraft, in plain DuckDB.
--
--     duckdb < examples/flights.sql
--
-- Run it in a checkout, after `python examples/flights.py` has written the folder ./flights-warehouse: the flights as
-- Parquet files, one folder per month. You can use any table, view or Parquet file of your own instead; this script needs
-- no Python. It writes the estimates to flights-warehouse/aircraft-sql.parquet.

.bail on
.read sql/pool.sql

-- A view names the files once. DuckDB reads only the columns that a query needs.
CREATE VIEW flights AS FROM read_parquet('flights-warehouse/flights/**/*.parquet', hive_partitioning = true);

-- The components of the model: the variance of the delay between flights of one aircraft (sigma2) and between aircraft
-- (tau2), in squared minutes; the mean over aircraft (mu) and its standard error; and icc, the share of the variance that
-- lies between aircraft: two percent.
.print
.print Arrival delay in minutes: variance within and between aircraft, and their mean
SELECT groups, n, round(sigma2, 2) AS sigma2, round(tau2, 2) AS tau2, round(tau2_lower, 2) AS tau2_lower,
    round(tau2_upper, 2) AS tau2_upper, round(mu, 2) AS mu, round(se_mu, 2) AS se_mu, round(icc, 4) AS icc, converged
FROM pool_components(flights, arr_delay, tailnum);

-- One row per aircraft: its own mean; the weight of this mean, tau2 / (tau2 + sigma2 / n); and the estimate,
-- weight * mean + (1 - weight) * mu, with a 95 % interval. The query scans the files once.
COPY (FROM pool_shrink(flights, arr_delay, tailnum) ORDER BY tailnum)
TO 'flights-warehouse/aircraft-sql.parquet' (FORMAT parquet);

CREATE VIEW aircraft AS
SELECT tailnum, n, round(mean, 2) AS mean, round(weight, 2) AS weight, round(estimate, 2) AS estimate,
    round(lower, 2) AS lower, round(upper, 2) AS upper
FROM 'flights-warehouse/aircraft-sql.parquet';

-- The extreme means are mostly chance: these aircraft have one flight or a few, and the estimates account for this.
.print
.print The ten best raw means, with their estimates
FROM aircraft WHERE mean IS NOT NULL ORDER BY mean, tailnum LIMIT 10;

.print
.print The ten worst raw means, with their estimates
FROM aircraft WHERE mean IS NOT NULL ORDER BY mean DESC, tailnum DESC LIMIT 10;

-- Flights without a tail number, and aircraft without an arrival: null is a group like any other, and the estimate of a
-- group without values is the population mean.
.print
.print No tail number, and aircraft without an arrival: their estimate is the population mean
FROM aircraft WHERE tailnum IS NULL;

-- The extreme estimates are based on many flights.
.print
.print The aircraft with the highest estimates
FROM aircraft ORDER BY estimate DESC LIMIT 3;

-- Pooling needs only the moments of the rows. Stored moments give the same model without reading the flights again.
-- Moments of another year could be added to the table: moments of the same aircraft are merged exactly.
CREATE TABLE states AS FROM pool_moments(flights, arr_delay, tailnum);
.print
.print The same model from stored moments
SELECT round(tau2, 2) AS tau2, round(mu, 2) AS mu FROM pool_components(states, mean, tailnum, n := n, var := var);

-- A separate model for each month, in one query.
.print
.print One model per month
SELECT month, groups, round(tau2, 2) AS tau2, round(mu, 2) AS mu
FROM pool_components(flights, arr_delay, tailnum, over := month) ORDER BY month;
