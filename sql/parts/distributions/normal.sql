-- ---------------------------------------------------------------------------------------------------------------------
-- Normal: pool_normal_density(x), pool_normal_cdf(x), pool_normal_quantile(p).
--
-- Mills' ratio and the quantile of a tail are one rational function each, so that few terms are planned. Each meets its
-- exact values at as many Chebyshev points as it has coefficients, computed with 50 digits by
-- tests/vectors/regenerate/normal.py. All coefficients are positive: no digits cancel.
-- ---------------------------------------------------------------------------------------------------------------------

-- exp(-x^2 / 2) with x = a + r, a a multiple of 1/16 whose square is exact: the square loses no digits (Cody 1969).
CREATE OR REPLACE MACRO _pool_normal_kernel_from(x, a) AS
    exp(a * a * -0.5e0) * exp((a - x) * (a + x) * 0.5e0);
CREATE OR REPLACE MACRO _pool_normal_kernel(x) AS
    _pool_normal_kernel_from(x, trunc(x * 16e0) * 0.0625e0);

-- Mills' ratio P(X > x) / exp(-x^2 / 2) for x >= 0, to a relative error of 2e-17.
CREATE OR REPLACE MACRO _pool_normal_mills(x) AS
    ((((((((((3.9894228040143268025e-1 * x + 1.1753301477689157538e1) * x + 1.7140657535233894827e2) * x
        + 1.6048107330377902443e3) * x + 1.0591026338864872488e4) * x + 5.1233452088167221782e4) * x
        + 1.8361036854571419193e5) * x + 4.8167960549015778105e5) * x + 8.8856911580996243795e5) * x
        + 1.0493555822252974851e6) * x + 6.1220593378124121061e5)
    / (((((((((((x + 2.9461157804237982574e1) * x + 4.3065256823582995975e2) * x + 4.0521251166706739407e3) * x
        + 2.6975418646305944342e4) * x + 1.3238696127369384177e5) * x + 4.8594140141098614502e5) * x
        + 1.3280642476106547952e6) * x + 2.6386818173147493615e6) * x + 3.6189463379501751278e6) * x
        + 3.075650489642503274e6) * x + 1.2244118675624824177e6);

-- P(X > x) for x >= 0.
CREATE OR REPLACE MACRO _pool_normal_tail(x) AS
    _pool_normal_kernel(x) * _pool_normal_mills(x);

-- P(X <= x) of a column of DOUBLEs: written out, which takes the least time per row. P(X > 40) is 0.
CREATE OR REPLACE MACRO _pool_normal_cdf_double(x) AS
    abs((x > 0e0)::DOUBLE - _pool_normal_tail(least(abs(x), 40e0)));

-- P(X <= x) of an expression of DOUBLEs, which is planned twice, not thirty times.
CREATE OR REPLACE MACRO _pool_normal_cdf_bound(x) AS
    abs((x > 0e0)::DOUBLE - list_transform([least(abs(x), 40e0)], lambda v: _pool_normal_tail(v))[1]);

-- P(X <= x) of the standard normal distribution, to the last digits in the lower tail too.
CREATE OR REPLACE MACRO pool_normal_cdf(x) AS
    _pool_normal_cdf_bound(_pool_demand_number(x, 'x of pool_normal_cdf'));

-- Density of the standard normal distribution.
CREATE OR REPLACE MACRO pool_normal_density(x) AS
    CASE
        WHEN abs(_pool_demand_number(x, 'x of pool_normal_density')) > 39 THEN 0.0
        ELSE 3.98942280401432677939946e-1 * _pool_normal_kernel(x::DOUBLE)
    END;

-- The quantile at p = 1/2 + q over q for |q| <= 0.425, from r = 0.425^2 - q^2; coefficients of Wichura (1988).
CREATE OR REPLACE MACRO _pool_normal_quantile_centre(r) AS
    (((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r
        + 4.5921953931549871457e4) * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
        + 1.3314166789178437745e2) * r + 3.3871328727963666080e0)
    / (((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r
        + 2.1213794301586595867e4) * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
        + 4.2313330701600911252e1) * r + 1.0e0);

-- The quantile from the tail beyond it, at most 0.0773, from r = sqrt(-log(tail)) - 1.6: to a relative error of 3e-17.
CREATE OR REPLACE MACRO _pool_normal_quantile_tail(r) AS
    (((((((((((1.4142153958993641301e0 * r + 3.0881169109182935887e2) * r + 2.0823110447030551372e4) * r
        + 6.2024946212409483171e5) * r + 9.6523654596914033321e6) * r + 8.6889961942947999911e7) * r
        + 4.8203418755569094351e8) * r + 1.6972343567073390093e9) * r + 3.7703251029273227244e9) * r
        + 5.0407074069662413012e9) * r + 3.6203998853788509053e9) * r + 1.0370876876772112912e9)
    / ((((((((((r + 2.1676409985007474704e2) * r + 1.4381087374767074548e4) * r + 4.1621389108981013843e5) * r
        + 6.1944857959369493839e6) * r + 5.2375289801301030724e7) * r + 2.6741358443174595923e8) * r
        + 8.4314389986400925936e8) * r + 1.6014731927973566339e9) * r + 1.6693175092208666455e9) * r
        + 7.2857991395981441374e8);

-- The quantile of a DOUBLE that is a probability.
CREATE OR REPLACE MACRO _pool_normal_quantile_double(p) AS
    CASE
        WHEN abs(p - 0.5e0) <= 0.425e0 THEN (p - 0.5e0) * list_transform(
            [0.180625e0 - (p - 0.5e0) * (p - 0.5e0)], lambda r: _pool_normal_quantile_centre(r)
        )[1]
        WHEN p = 0 OR p = 1 THEN (2 * p - 1) * 'infinity'::DOUBLE
        ELSE sign(p - 0.5e0) * list_transform(
            [sqrt(-ln(least(p, 1 - p))) - 1.6e0], lambda r: _pool_normal_quantile_tail(r)
        )[1]
    END;

-- The x with P(X <= x) = p of the standard normal distribution.
--
-- Wichura (1988), "Algorithm AS 241: The percentage points of the normal distribution", in the centre.
CREATE OR REPLACE MACRO pool_normal_quantile(p) AS
    list_transform(
        [_pool_demand_probability(p, 'p of pool_normal_quantile')], lambda v: _pool_normal_quantile_double(v)
    )[1];
