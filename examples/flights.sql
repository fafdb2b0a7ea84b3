-- Which aircraft arrive late? Every flight that left New York City in 2013, pooled by aircraft, in plain DuckDB.
--
--     duckdb < examples/flights.sql
--
-- in a checkout, beside the folder ./flights-warehouse that `python examples/flights.py` wrote: the flights as Parquet
-- files, a folder a month. Any table, view or Parquet file of yours will do in its place; nothing here needs Python.
-- Writes the estimates to flights-warehouse/aircraft-sql.parquet.

.bail on
.read sql/pool.sql

-- A view, so that the files are named once. Only the columns that a query needs are read.
CREATE VIEW flights AS FROM read_parquet('flights-warehouse/flights/**/*.parquet', hive_partitioning = true);

-- The model behind the estimates: the variance of the delay between flights of one aircraft (sigma2) and between
-- aircraft (tau2), in squared minutes; the mean over aircraft (mu) and its standard error; and icc, the share of the
-- variance that lies between aircraft: two per cent.
.print
.print Arrival delay in minutes: variance within and between aircraft, and their mean
SELECT groups, n, round(sigma2, 2) AS sigma2, round(tau2, 2) AS tau2, round(tau2_lower, 2) AS tau2_lower,
    round(tau2_upper, 2) AS tau2_upper, round(mu, 2) AS mu, round(se_mu, 2) AS se_mu, round(icc, 4) AS icc, converged
FROM pool_components(flights, arr_delay, tailnum);

-- One row an aircraft: its own mean, what that is worth (weight: tau2 / (tau2 + sigma2 / n)), and the estimate,
-- weight * mean + (1 - weight) * mu, with an interval of 95 %. One scan of the files.
COPY (FROM pool_shrink(flights, arr_delay, tailnum) ORDER BY tailnum)
TO 'flights-warehouse/aircraft-sql.parquet' (FORMAT parquet);

CREATE VIEW aircraft AS
SELECT tailnum, n, round(mean, 2) AS mean, round(weight, 2) AS weight, round(estimate, 2) AS estimate,
    round(lower, 2) AS lower, round(upper, 2) AS upper
FROM 'flights-warehouse/aircraft-sql.parquet';

-- The extreme means are luck: they are aircraft of one flight or few, and the estimates know it.
.print
.print The ten best raw means, and what they are worth
FROM aircraft WHERE mean IS NOT NULL ORDER BY mean, tailnum LIMIT 10;

.print
.print The ten worst raw means, and what they are worth
FROM aircraft WHERE mean IS NOT NULL ORDER BY mean DESC, tailnum DESC LIMIT 10;

-- No tail number, and aircraft that never arrived: null is a group like any other, and of a group without a value all
-- that is known is the population.
.print
.print No tail number and never arrived: all that is known of them is the population
FROM aircraft WHERE tailnum IS NULL;

-- The extreme estimates are evidence: of many flights.
.print
.print The aircraft that come latest
FROM aircraft ORDER BY estimate DESC LIMIT 3;

-- Moments are all that pooling needs of the rows. Stored, they are taken up again without reading the flights, and those
-- of another year would simply be added: the same aircraft are merged, exactly.
CREATE TABLE states AS FROM pool_moments(flights, arr_delay, tailnum);
.print
.print The same model from stored moments
SELECT round(tau2, 2) AS tau2, round(mu, 2) AS mu FROM pool_components(states, mean, tailnum, n := n, var := var);

-- A model of its own for every month, in one query.
.print
.print A model a month
SELECT month, groups, round(tau2, 2) AS tau2, round(mu, 2) AS mu
FROM pool_components(flights, arr_delay, tailnum, over := month) ORDER BY month;
