-- ---------------------------------------------------------------------------------------------------------------------
-- Normal: pool_normal_density(x), pool_normal_cdf(x), pool_normal_quantile(p). No lists: for columns of many rows.
-- ---------------------------------------------------------------------------------------------------------------------

-- exp(-x^2 / 2) with x = a + r, a a multiple of 1/16 whose square is exact: the square loses no digits (Cody 1969).
CREATE OR REPLACE MACRO pool_normal_kernel(x) AS
    exp(-trunc(x * 16) / 16 * (trunc(x * 16) / 16) / 2)
        * exp(-(x - trunc(x * 16) / 16) * (x + trunc(x * 16) / 16) / 2);

-- P(X <= x) for -0.67449 < x < 0.67449 less 1/2, divided by x, from q = x^2; coefficients of Cody (1993).
CREATE OR REPLACE MACRO pool_normal_centre(q) AS
    ((((6.5682337918207449113e-2 * q + 2.2352520354606839287e0) * q + 1.6102823106855587881e2) * q
        + 1.0676894854603709582e3) * q + 1.8154981253343561249e4)
    / ((((q + 4.7202581904688241870e1) * q + 9.7609855173777669322e2) * q + 1.0260932208618978205e4) * q
        + 4.5507789335026729956e4);

-- P(X > x) / exp(-x^2 / 2) for 0.67449 <= x < sqrt(32); coefficients of Cody (1993).
CREATE OR REPLACE MACRO pool_normal_shoulder(x) AS
    ((((((((1.0765576773720192317e-8 * x + 3.9894151208813466764e-1) * x + 8.8831497943883759412e0) * x
        + 9.3506656132177855979e1) * x + 5.9727027639480026226e2) * x + 2.4945375852903726711e3) * x
        + 6.8481904505362823326e3) * x + 1.1602651437647350124e4) * x + 9.8427148383839780218e3)
    / ((((((((x + 2.2266688044328115691e1) * x + 2.3538790178262499861e2) * x + 1.5193775994075548050e3) * x
        + 6.4855582982667607550e3) * x + 1.8615571640885098091e4) * x + 3.4900952721145977266e4) * x
        + 3.8912003286093271411e4) * x + 1.9685429676859990727e4);

-- P(X > x) / exp(-x^2 / 2) for x >= sqrt(32), from q = 1 / x^2; coefficients of Cody (1993).
CREATE OR REPLACE MACRO pool_normal_far(x, q) AS
    (3.98942280401432677939946e-1
        - q * (((((2.307344176494017303e-2 * q + 2.1589853405795699e-1) * q + 1.274011611602473639e-1) * q
            + 2.2235277870649807e-2) * q + 1.421619193227893466e-3) * q + 2.9112874951168792e-5)
        / (((((q + 1.28426009614491121e0) * q + 4.68238212480865118e-1) * q + 6.59881378689285515e-2) * q
            + 3.78239633202758244e-3) * q + 7.29751555083966205e-5)) / x;

-- P(X > x) for x >= 0.67449.
CREATE OR REPLACE MACRO pool_normal_tail(x) AS
    CASE
        WHEN x > 39 THEN 0.0
        WHEN x < 5.656854249492380195 THEN pool_normal_kernel(x) * pool_normal_shoulder(x)
        ELSE pool_normal_kernel(x) * pool_normal_far(x, 1 / (x * x))
    END;

-- P(X <= x) of a DOUBLE.
CREATE OR REPLACE MACRO pool_normal_cdf_double(x) AS
    CASE
        WHEN x <= -0.67448975 THEN pool_normal_tail(-x)
        WHEN x < 0.67448975 THEN 0.5 + x * pool_normal_centre(x * x)
        ELSE 1 - pool_normal_tail(x)
    END;

-- P(X <= x) of the standard normal distribution, to the last digits in the lower tail too.
--
-- Cody (1969), "Rational Chebyshev approximations for the error function", in the form of his ANORM (1993, TOMS 715).
CREATE OR REPLACE MACRO pool_normal_cdf(x) AS
    pool_normal_cdf_double(pool_demand_number(x::DOUBLE, 'x of pool_normal_cdf'));

-- Density of the standard normal distribution.
CREATE OR REPLACE MACRO pool_normal_density(x) AS
    CASE
        WHEN abs(pool_demand_number(x::DOUBLE, 'x of pool_normal_density')) > 39 THEN 0.0
        ELSE 3.98942280401432677939946e-1 * pool_normal_kernel(x::DOUBLE)
    END;

-- The quantile at p = 1/2 + q for |q| <= 0.425, from r = 0.425^2 - q^2; coefficients of Wichura (1988).
CREATE OR REPLACE MACRO pool_normal_quantile_centre(q, r) AS
    q * (((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r
        + 4.5921953931549871457e4) * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
        + 1.3314166789178437745e2) * r + 3.3871328727963666080e0)
    / (((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r
        + 2.1213794301586595867e4) * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
        + 4.2313330701600911252e1) * r + 1.0);

-- The quantile at a small 1 - p, from r = sqrt(-log(1 - p)) - 1.6, at most 3.4; coefficients of Wichura (1988).
CREATE OR REPLACE MACRO pool_normal_quantile_shoulder(r) AS
    (((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r
        + 1.27045825245236838258e0) * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r
        + 4.63033784615654529590e0) * r + 1.42343711074968357734e0)
    / (((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r
        + 1.48103976427480074590e-1) * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r
        + 2.05319162663775882187e0) * r + 1.0);

-- The quantile at a very small 1 - p, from r = sqrt(-log(1 - p)) - 5; coefficients of Wichura (1988).
CREATE OR REPLACE MACRO pool_normal_quantile_far(r) AS
    (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r
        + 2.65321895265761230930e-2) * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r
        + 5.46378491116411436990e0) * r + 6.65790464350110377720e0)
    / (((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r
        + 7.86869131145613259100e-4) * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r
        + 5.99832206555887937690e-1) * r + 1.0);

-- The quantile from the tail beyond it, from r = sqrt(-log(tail)).
CREATE OR REPLACE MACRO pool_normal_quantile_tail(r) AS
    CASE WHEN r <= 5 THEN pool_normal_quantile_shoulder(r - 1.6) ELSE pool_normal_quantile_far(r - 5) END;

-- The quantile of a DOUBLE that is a probability.
CREATE OR REPLACE MACRO pool_normal_quantile_double(p) AS
    CASE
        WHEN p = 0 THEN '-infinity'::DOUBLE
        WHEN p = 1 THEN 'infinity'::DOUBLE
        WHEN abs(p - 0.5) <= 0.425 THEN pool_normal_quantile_centre(p - 0.5, 0.180625 - (p - 0.5) * (p - 0.5))
        WHEN p < 0.5 THEN -pool_normal_quantile_tail(sqrt(-ln(p)))
        ELSE pool_normal_quantile_tail(sqrt(-ln(1 - p)))
    END;

-- The x with P(X <= x) = p of the standard normal distribution.
--
-- Wichura (1988), "Algorithm AS 241: The percentage points of the normal distribution", PPND16: about 16 digits.
CREATE OR REPLACE MACRO pool_normal_quantile(p) AS
    pool_normal_quantile_double(pool_demand_probability(p::DOUBLE, 'p of pool_normal_quantile'));
