-- Rendered from polars_pool/formulas by `python -m polars_pool.rendering`: edit there.
--
-- ---------------------------------------------------------------------------------------------------------------------
-- Rates of groups that differ: the excess of events, moments of the prior, errors of its parameters.
--
-- Sources: Dekker (1971), Numerische Mathematik 18; Kleinman (1973), JASA 68; Buehlmann & Straub (1970), Mitt. Ver.
-- Schweiz. Versich.-Math. 70.
-- ---------------------------------------------------------------------------------------------------------------------

-- x - n mean as if the product were exact: the upper half of a double leaves a lower one (Dekker 1971).
CREATE OR REPLACE MACRO _pool_rate_excess(x, n, mean) AS
    x::DOUBLE - n::DOUBLE * mean::DOUBLE
        - CASE WHEN n::DOUBLE < 1e+290
        THEN (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n::DOUBLE))
        * (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean::DOUBLE)) - n::DOUBLE * mean::DOUBLE
        + (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n::DOUBLE))
        * (mean::DOUBLE - (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean::DOUBLE)))
        + (n::DOUBLE - (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n::DOUBLE)))
        * (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean::DOUBLE))
        + (n::DOUBLE - (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n::DOUBLE)))
        * (mean::DOUBLE - (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean::DOUBLE))) ELSE 0.0 END;

-- The overdispersion 1 / (1 + alpha + beta) whose variance is that of the raw rates less the binomial one.
--
-- `squares` = sum(excess^2 / n), `noise` = J - 1 and `spread` = N - sum(n^2) / N (Kleinman 1973).
CREATE OR REPLACE MACRO _pool_rate_of_trials(squares, rate, noise, spread) AS
    (squares::DOUBLE - rate::DOUBLE * (1 - rate::DOUBLE) * noise::DOUBLE)
        / (rate::DOUBLE * (1 - rate::DOUBLE) * (spread::DOUBLE - noise::DOUBLE));

-- The overdispersion 1 / shape whose variance is that of the raw rates less the Poisson one.
CREATE OR REPLACE MACRO _pool_rate_of_exposure(squares, rate, noise, spread) AS
    (squares::DOUBLE - noise::DOUBLE * rate::DOUBLE) / (rate::DOUBLE * rate::DOUBLE * spread::DOUBLE);

-- The variance of the log of a parameter of the prior, from those of the mean's logit, or log, and the size's log.
--
-- `by_mean` is its derivative by the former: 1 - mean for alpha, -mean for beta, 0 for the shape, -1 for the rate.
CREATE OR REPLACE MACRO _pool_rate_variance_of_log(by_mean, var_mean, cov, var_size) AS
    by_mean::DOUBLE * by_mean::DOUBLE * var_mean::DOUBLE + 2 * by_mean::DOUBLE * cov::DOUBLE + var_size::DOUBLE;


-- ---------------------------------------------------------------------------------------------------------------------
-- A regression with one covariate and a varying intercept: squares about a line, identification, errors.
--
-- DuckDB SQL fits only this regression, by these formulas. The NumPy solver fits any number of covariates and varying
-- terms, by matrices, of which these are the entries.
-- Source: Searle, Casella & McCulloch (1992), Variance Components.
-- ---------------------------------------------------------------------------------------------------------------------

-- Squares of the value about a line of any slope, from squares and products about the means.
CREATE OR REPLACE MACRO _pool_line_squares_about(xx, xy, yy, slope) AS
    yy::DOUBLE - 2 * slope::DOUBLE * xy::DOUBLE + slope::DOUBLE * slope::DOUBLE * xx::DOUBLE;

-- A sum of products about (mx, my), from the sums of products, of both factors, and of the weights.
CREATE OR REPLACE MACRO _pool_line_moved_product(xy, x, y, one, mx, my) AS
    xy::DOUBLE - mx::DOUBLE * y::DOUBLE - my::DOUBLE * x::DOUBLE + mx::DOUBLE * my::DOUBLE * one::DOUBLE;

-- The trace of P of single rows, from a = sum(h), b = sum(h dx^2) and the same with h^2.
CREATE OR REPLACE MACRO _pool_line_trace(a, a2, b, b2) AS
    a::DOUBLE - a2::DOUBLE / a::DOUBLE - b2::DOUBLE / b::DOUBLE;

-- The trace of P P of single rows, from the sums with h^3 too and c2 = sum(h^2 dx).
CREATE OR REPLACE MACRO _pool_line_trace_of_square(a, a2, a3, b, b2, b3, c2) AS
    a2::DOUBLE - 2 * (a3::DOUBLE / a::DOUBLE + b3::DOUBLE / b::DOUBLE)
        + a2::DOUBLE / a::DOUBLE * (a2::DOUBLE / a::DOUBLE) + 2 * c2::DOUBLE * c2::DOUBLE / (a::DOUBLE * b::DOUBLE)
        + b2::DOUBLE / b::DOUBLE * (b2::DOUBLE / b::DOUBLE);

-- Variance of the line at a distance from the centre, where it is uncorrelated with the slope.
CREATE OR REPLACE MACRO _pool_line_variance_at(arm, at_centre, of_slope) AS
    at_centre::DOUBLE + arm::DOUBLE * arm::DOUBLE * of_slope::DOUBLE;

-- Variance of the line's values over the rows, from the squares of the covariate about its mean.
CREATE OR REPLACE MACRO _pool_line_fixed_variance(slope, xx, w, n) AS
    slope::DOUBLE * slope::DOUBLE * xx::DOUBLE / w::DOUBLE * n::DOUBLE / (n::DOUBLE - 1);
