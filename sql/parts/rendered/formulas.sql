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
    x - n::DOUBLE * mean
        - CASE WHEN n::DOUBLE < 1e+290
        THEN (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n))
        * (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean)) - n::DOUBLE * mean
        + (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n))
        * (mean - (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean)))
        + (n - (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n)))
        * (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean))
        + (n - (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n)))
        * (mean - (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean))) ELSE 0.0 END;

-- The overdispersion 1 / (1 + alpha + beta) whose variance is that of the raw rates less the binomial one.
--
-- `squares` = sum(excess^2 / n), `noise` = J - 1 and `spread` = N - sum(n^2) / N (Kleinman 1973).
CREATE OR REPLACE MACRO _pool_rate_of_trials(squares, rate, noise, spread) AS
    (squares - rate * (1 - rate::DOUBLE) * noise) / (rate * (1 - rate::DOUBLE) * (spread::DOUBLE - noise));

-- The overdispersion 1 / shape whose variance is that of the raw rates less the Poisson one.
CREATE OR REPLACE MACRO _pool_rate_of_exposure(squares, rate, noise, spread) AS
    (squares - noise::DOUBLE * rate) / (rate::DOUBLE * rate * spread);

-- The variance of the log of a parameter of the prior, from those of the mean's logit, or log, and the size's log.
--
-- `by_mean` is its derivative by the former: 1 - mean for alpha, -mean for beta, 0 for the shape, -1 for the rate.
CREATE OR REPLACE MACRO _pool_rate_variance_of_log(by_mean, var_mean, cov, var_size) AS
    by_mean::DOUBLE * by_mean * var_mean + 2 * by_mean::DOUBLE * cov + var_size;


-- ---------------------------------------------------------------------------------------------------------------------
-- A regression with one covariate and a varying intercept: squares about a line, identification, errors.
--
-- DuckDB SQL fits only this regression, by these formulas. The NumPy solver fits any number of covariates and varying
-- terms, by matrices, of which these are the entries.
-- Source: Searle, Casella & McCulloch (1992), Variance Components.
-- ---------------------------------------------------------------------------------------------------------------------

-- Squares of the value about a line of any slope, from squares and products about the means.
CREATE OR REPLACE MACRO _pool_line_squares_about(xx, xy, yy, slope) AS
    yy - 2 * slope::DOUBLE * xy + slope::DOUBLE * slope * xx;

-- A sum of products about (mx, my), from the sums of products, of both factors, and of the weights.
CREATE OR REPLACE MACRO _pool_line_moved_product(xy, x, y, one, mx, my) AS
    xy - mx::DOUBLE * y - my::DOUBLE * x + mx::DOUBLE * my * one;

-- The trace of P of single rows, from a = sum(h), b = sum(h dx^2) and the same with h^2.
CREATE OR REPLACE MACRO _pool_line_trace(a, a2, b, b2) AS
    a - a2::DOUBLE / a - b2::DOUBLE / b;

-- The trace of P P of single rows, from the sums with h^3 too and c2 = sum(h^2 dx).
CREATE OR REPLACE MACRO _pool_line_trace_of_square(a, a2, a3, b, b2, b3, c2) AS
    a2 - 2 * (a3::DOUBLE / a + b3::DOUBLE / b) + a2::DOUBLE / a * (a2::DOUBLE / a)
        + 2 * c2::DOUBLE * c2 / (a::DOUBLE * b) + b2::DOUBLE / b * (b2::DOUBLE / b);

-- Variance of the line at a distance from the centre, where it is uncorrelated with the slope.
CREATE OR REPLACE MACRO _pool_line_variance_at(arm, at_centre, of_slope) AS
    at_centre + arm::DOUBLE * arm * of_slope;

-- Variance of the line's values over the rows, from the squares of the covariate about its mean.
CREATE OR REPLACE MACRO _pool_line_fixed_variance(slope, xx, w, n) AS
    slope::DOUBLE * slope * xx / w * n / (n::DOUBLE - 1);


-- ---------------------------------------------------------------------------------------------------------------------
-- Nested levels: a node between its children and its parent.
--
-- A node's mean is that of its children by their precisions w = 1 / (v + tau2), v the sampling variance of a child's
-- mean and tau2 that of the children's level; its own sampling variance is 1 / sum(w). From the model down, a node is
-- pulled toward the estimate of its parent as a group is toward mu (shrink.py), with the parent's standard error for
-- that of mu. Source: Searle, Casella & McCulloch (1992), Variance Components, chapter 7; Harville (1976), Ann. Stat.
-- 4.
-- ---------------------------------------------------------------------------------------------------------------------

-- Precision w of a child's mean about its parent's; 0 for a child without rows.
CREATE OR REPLACE MACRO _pool_nested_precision(v, tau2) AS
    CASE
        WHEN v = 'infinity'::DOUBLE THEN 0.0
        WHEN v::DOUBLE + tau2 > 3.054936363499605e-151
            THEN 1 / CASE WHEN v::DOUBLE + tau2 > 3.054936363499605e-151 THEN v::DOUBLE + tau2 ELSE 1.0 END
        ELSE 3.273390607896142e+150
    END;

-- Sampling variance of a node's mean, from the sum of its children's precisions; infinite without rows.
CREATE OR REPLACE MACRO _pool_nested_sampling_variance(total) AS
    CASE
        WHEN total::DOUBLE = 0 THEN 'infinity'::DOUBLE
        WHEN total::DOUBLE < 3.273390607896142e+150
            THEN 1 / CASE WHEN total::DOUBLE = 0 THEN 1.0 ELSE total::DOUBLE END
        ELSE 0.0
    END;

-- The estimate of a node less that of its parent.
CREATE OR REPLACE MACRO _pool_nested_effect(weight, mean, parent) AS
    CASE WHEN weight::DOUBLE = 0 THEN 0.0 ELSE weight * (mean::DOUBLE - parent) END;

-- Variance of the node's true mean less its parent's, given the data.
CREATE OR REPLACE MACRO _pool_nested_effect_variance(tau2, pooling, weight, se_parent) AS
    tau2::DOUBLE * pooling + weight::DOUBLE * se_parent * (weight::DOUBLE * se_parent);

-- The share of a level in the variance of a row, or of a typical estimate, about mu.
CREATE OR REPLACE MACRO _pool_nested_share(tau2, variance) AS
    CASE WHEN variance::DOUBLE = 0 THEN NULL ELSE tau2::DOUBLE / variance END;


-- ---------------------------------------------------------------------------------------------------------------------
-- The likelihood of two nested levels by sums over the leaves of each outer node, with exact derivatives.
--
-- A leaf's mean has the sampling variance sigma2 u and the precision w = 1 / (sigma2 u + tau2) about its node, whose
-- own true mean varies about mu with variance t. A node is known by s_p = sum(w^p) and, with x its estimate at mu, by
-- r_p = sum(w^p (m - x)) and q_p = sum(w^p (m - x)^2), p = 1, 2, 3. With kappa = 1 / (1 + t s_1), the node adds
-- sum(log(1 / w)) - log(kappa) + q_1 + t g^2 to -2 log L, where g = r_1 is its precision kappa s_1 times its deviation
-- from mu. In derivatives by sigma2, each w^p gains a factor w u; by tau2, a factor w. Source: Searle, Casella &
-- McCulloch (1992), Variance Components, chapter 6.
-- ---------------------------------------------------------------------------------------------------------------------

-- A sum with w^p u, from the same sums with w^(p - 1) and w^p: u = (1 / w - tau2) / sigma2.
CREATE OR REPLACE MACRO _pool_node_by_sigma2(last, same, tau2, sigma2) AS
    (last - tau2::DOUBLE * same) / sigma2;

-- A sum with w^p u^2, from the same sums with w^(p - 2), w^(p - 1) and w^p.
CREATE OR REPLACE MACRO _pool_node_by_sigma2_twice(first, second, third, tau2, sigma2) AS
    (first - 2 * tau2::DOUBLE * second + tau2::DOUBLE * tau2 * third) / (sigma2::DOUBLE * sigma2);

-- Derivative of a node's part of -2 log L at fixed mu by sigma2 or tau2, from its sums with one more factor.
--
-- `share` is 1 / W, W the sum of kappa s_1 over all nodes, for the log W of the restricted likelihood; else 0.
CREATE OR REPLACE MACRO _pool_node_slope(logs, s, q, t, kappa, share) AS
    logs - s::DOUBLE * kappa * (t + share::DOUBLE * kappa) - q;

-- Second derivative of the same part by sigma2 and tau2, from sums with one more factor of each, or of both.
CREATE OR REPLACE MACRO _pool_node_bend(logs, twice, s, other, q, r, other_r, t, kappa, share) AS
    2 * twice::DOUBLE * kappa * (t + share::DOUBLE * kappa)
        - s::DOUBLE * other * t * kappa * kappa * (t + 2 * share::DOUBLE * kappa) - logs
        + 2 * (q - t::DOUBLE * kappa * r * other_r);

-- Second derivative of the same part by t and by sigma2 or tau2; w = kappa s_1.
--
-- That by t alone has s = s_1^2 and r = s_1 r_1.
CREATE OR REPLACE MACRO _pool_node_bend_by_outer(s, r, g, w, kappa, share) AS
    kappa * (2 * g::DOUBLE * r - s::DOUBLE * kappa * (1 - 2 * w::DOUBLE * share));

-- Second derivative of -2 log L with the most likely mu, from that at fixed mu.
--
-- `w` and `other_w` are derivatives of W = `total` with the sign changed, `g` and `other_g` half those of the slope
-- by mu.
CREATE OR REPLACE MACRO _pool_node_profiled(bend, w, other_w, g, other_g, total, restricted) AS
    bend - restricted * (w::DOUBLE / total) * (other_w::DOUBLE / total) - 2 * g::DOUBLE * other_g / total;

-- The first element of the inverse of a symmetric matrix of three rows; missing where that is not positive.
CREATE OR REPLACE MACRO _pool_node_inverse(a, b, c, ab, ac, bc) AS
    CASE
        WHEN a * (b::DOUBLE * c - bc::DOUBLE * bc) - ab * (ab::DOUBLE * c - ac::DOUBLE * bc)
            + ac * (ab::DOUBLE * bc - ac::DOUBLE * b) > 0
            THEN (b::DOUBLE * c - bc::DOUBLE * bc)
            / (a * (b::DOUBLE * c - bc::DOUBLE * bc) - ab * (ab::DOUBLE * c - ac::DOUBLE * bc)
            + ac * (ab::DOUBLE * bc - ac::DOUBLE * b))
    END;


-- ---------------------------------------------------------------------------------------------------------------------
-- Compression of the groups of a model: many groups of nearly equal sampling variance become a few pseudo-groups.
--
-- A model needs sums over its groups of f(v) y^q, q = 0, 1, 2, where y is the mean of a group and f is smooth: a power
-- of 1 / (v + tau2), log(v + tau2), a pooling factor. The groups are binned by log v. In a bin, whatever tau2, f equals
-- its polynomial through 8 Chebyshev points up to 1e-12, as all poles of f are at v = -tau2 or below. So the sum over
-- the groups of a bin equals a sum over the points, in which each point has a (signed) count that does not depend on f.
-- At each point of v three points of y have the sums of 1, y and y^2: the mean of the bin, and one standard deviation
-- below and above it. So a bin becomes 24 pseudo-groups. Where v = sigma2 / w, the same holds for bins by log w.
--
-- A bin of not more groups keeps them: sums in which one group outweighs all others stay exact. In a bin with one value
-- of v, two pseudo-groups suffice, each of half the count: one standard deviation below the mean, and one above it.
-- Source: Trefethen (2013), Approximation Theory and Approximation Practice, chapters 2, 4 and 8.
-- ---------------------------------------------------------------------------------------------------------------------

-- The place t of a group in its bin, from -1 at the least v of the bin to 1 at the largest.
CREATE OR REPLACE MACRO _pool_bin_place(v, least, largest) AS
    CASE
        WHEN largest::DOUBLE > least
            THEN (v::DOUBLE - least - (largest::DOUBLE - v))
            / CASE WHEN largest::DOUBLE > least THEN largest::DOUBLE - least ELSE 1.0 END
        ELSE 1.0
    END;

-- T_{p+1} from T_p and T_{p-1}, the Chebyshev polynomials at t; T_0 = 1 and T_1 = t.
CREATE OR REPLACE MACRO _pool_bin_next_polynomial(t, last, before) AS
    2 * t::DOUBLE * last - before;

-- The v of the point x of a bin; exactly its ends at x = -1 and x = 1.
CREATE OR REPLACE MACRO _pool_bin_at_point(x, least, largest) AS
    (least * (1 - x::DOUBLE) + largest * (1 + x::DOUBLE)) / 2;

-- z, the deviation of a group's mean from the mean of its bin, in standard deviations of the bin (divisor k).
CREATE OR REPLACE MACRO _pool_bin_deviation(y, mean, sd) AS
    CASE
        WHEN sd::DOUBLE > 0 THEN (y::DOUBLE - mean) / CASE WHEN sd::DOUBLE > 0 THEN sd::DOUBLE ELSE 1.0 END
        ELSE 0.0
    END;

-- Count of the pseudo-group one standard deviation above the mean, from the sums of z and z^2 at its point.
CREATE OR REPLACE MACRO _pool_bin_count_above(first, second) AS
    (second::DOUBLE + first) / 2;

-- Count of the pseudo-group one standard deviation below the mean.
CREATE OR REPLACE MACRO _pool_bin_count_below(first, second) AS
    (second::DOUBLE - first) / 2;

-- Count of the pseudo-group at the mean, from the sums of 1 and z^2 at its point.
CREATE OR REPLACE MACRO _pool_bin_count_at_mean(count, second) AS
    count::DOUBLE - second;
