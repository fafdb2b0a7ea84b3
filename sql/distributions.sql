-- Distributions as scalar macros of DuckDB: normal, Student, chi-square, gamma and beta, and the polygamma functions.
--
-- A missing argument gives a missing result; an argument outside its domain (NaN among them) is an error that says what
-- is allowed. Numbers of any type are taken as DOUBLE. Only the macros named at the head of each section are meant to
-- be called; those that it needs come first, because a macro must be defined after the macros that it calls.
--
-- Arguments are substituted as text. Where they would be used many times they are bound once, by a lambda over a list
-- of one: a list costs ten times the arithmetic of the normal distribution, whose macros do without. Give those a
-- column: pool_normal_cdf(pool_normal_quantile(p)) writes out forty quantiles, where a subquery would compute one.


-- ---------------------------------------------------------------------------------------------------------------------
-- What is asked of arguments: each gives its argument back, or raises one sentence. NaN counts as above all numbers.
-- ---------------------------------------------------------------------------------------------------------------------

-- A number, not NaN.
CREATE OR REPLACE MACRO pool_demand_number(x, argument) AS
    CASE WHEN isnan(x) THEN error('The argument ' || argument || ' is NaN: it must be a number.') ELSE x::DOUBLE END;

-- A number from 0 to 1.
CREATE OR REPLACE MACRO pool_demand_probability(p, argument) AS
    CASE
        WHEN p < 0 OR p > 1 THEN error('The argument ' || argument || ' is ' || p || ': it must lie in [0, 1].')
        ELSE p::DOUBLE
    END;

-- A positive, finite number.
CREATE OR REPLACE MACRO pool_demand_positive(x, argument) AS
    CASE
        WHEN x <= 0 OR x >= 'infinity'::DOUBLE
            THEN error('The argument ' || argument || ' is ' || x || ': it must be positive and finite.')
        ELSE x::DOUBLE
    END;

-- A number of 1 or more.
CREATE OR REPLACE MACRO pool_demand_from_one(x, argument) AS
    CASE
        WHEN x < 1 OR isnan(x)
            THEN error('The argument ' || argument || ' is ' || x || ': it must be at least 1.')
        ELSE x::DOUBLE
    END;


-- ---------------------------------------------------------------------------------------------------------------------
-- Elementary functions that keep their digits near 0.
-- ---------------------------------------------------------------------------------------------------------------------

-- exp(x) - 1, from exp(x) - 1 = 2 sinh(x / 2) exp(x / 2).
CREATE OR REPLACE MACRO pool_expm1(x) AS
    CASE WHEN abs(x) < 1 THEN 2 * sinh(x / 2) * exp(x / 2) ELSE exp(x) - 1 END;

-- log(1 + x) for x > -1, from log(1 + x) = 2 atanh(x / (2 + x)).
CREATE OR REPLACE MACRO pool_log1p(x) AS
    CASE WHEN abs(x) < 0.5 THEN 2 * atanh(x / (2 + x)) ELSE ln(1 + x) END;

-- x - log(1 + x), about x^2 / 2 near 0: z x - 2 (z^3 / 3 + z^5 / 5 + ...) with z = x / (2 + x) (Loader 2000).
CREATE OR REPLACE MACRO pool_log_excess(x) AS
    CASE
        WHEN abs(x) < 0.3 THEN list_transform(
            [{x: x, z: x / (2 + x), q: x / (2 + x) * (x / (2 + x))}],
            lambda e: e.z * e.x - 2 * e.z * e.q * (1 / 3 + e.q * (1 / 5 + e.q * (1 / 7 + e.q * (1 / 9 + e.q * (1 / 11
                + e.q * (1 / 13 + e.q * (1 / 15 + e.q * (1 / 17 + e.q * (1 / 19 + e.q / 21)))))))))
        )[1]
        ELSE x - ln(1 + x)
    END;

-- log(cosh(u)), from cosh(u) = 1 / sqrt(1 - tanh(u)^2) = 1 + 2 sinh(u / 2)^2.
CREATE OR REPLACE MACRO pool_log_cosh(u) AS
    CASE
        WHEN abs(u) < 1 THEN 2 * atanh(tanh(u / 2) * tanh(u / 2))
        ELSE abs(u) + ln((1 + exp(-2 * abs(u))) / 2)
    END;

-- Gamma(x) over its first approximation sqrt(2 pi) x^(x - 1/2) exp(-x) (Stirling), which is 1 for infinite x.
--
-- From 10 on the asymptotic series of its logarithm (Abramowitz & Stegun 6.1.41); below, Gamma(x) =
-- Gamma(x + 10) / (x (x + 1) ... (x + 9)). `lost` is what the rounding of y = x + 10 takes from x.
CREATE OR REPLACE MACRO pool_stirling_series(x) AS
    exp((1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - (691 / 360360 - 1 / 156 / (x * x))
        / (x * x)) / (x * x)) / (x * x)) / (x * x)) / (x * x)) / x);

-- The same for all x > 0.
CREATE OR REPLACE MACRO pool_stirling_ratio(x) AS
    CASE
        WHEN x >= 10 THEN pool_stirling_series(x)
        ELSE list_transform(
            [{x: x, y: x + 10, lost: x - (x + 10 - 10)}],
            lambda e: pool_stirling_series(e.y) * pow(e.y, e.y - 0.5) / pow(e.x, e.x - 0.5)
                * (1 + e.lost * (ln(e.y) + 1 - 0.5 / e.y))
                * 4.5399929762484851536e-5  -- exp(-10)
                / (e.x * (e.x + 1) * (e.x + 2) * (e.x + 3) * (e.x + 4)
                    * (e.x + 5) * (e.x + 6) * (e.x + 7) * (e.x + 8) * (e.x + 9))
        )[1]
    END;


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


-- ---------------------------------------------------------------------------------------------------------------------
-- Tails of the other distributions: one mechanism.
--
-- Each distribution is that of a variable u (of arsinh(t / sqrt(df)), of log x, of the log odds of x) whose log density
-- is concave. Its tail beyond u is density(u) times Mills' ratio, the integral of density(u + s) / density(u) over
-- s > 0: a smooth function that falls from 1 to nothing in a known window. 48 nodes of Gauss and Legendre give it 15
-- digits. Concave log density means concave log tail: Newton's iteration (Halley's, which has the curvature for free)
-- on the log tail finds a quantile, and Mills' ratio is its step.
--
-- Where the density falls slowly, so that the window is wide, integration by parts makes it fall faster: d/du of
-- x^a (1 - x)^b is x^a (1 - x)^b (a - (a + b) x), so 1 / a + integral of x (a + b) / a density(u + s) / density(u).
-- ---------------------------------------------------------------------------------------------------------------------

-- Nodes y in (0, 1) and weights of the Gauss-Legendre rule of 48 points, from its half on (-1, 1) (Davis & Rabinowitz).
CREATE OR REPLACE MACRO pool_gauss_legendre_half() AS
    '[
        {x: 0.032380170962869362e0, weight: 0.064737696812683923e0},
        {x: 0.097004699209462699e0, weight: 0.064466164435950082e0},
        {x: 0.16122235606889172e0, weight: 0.063924238584648187e0},
        {x: 0.22476379039468906e0, weight: 0.063114192286254026e0},
        {x: 0.28736248735545558e0, weight: 0.062039423159892664e0},
        {x: 0.34875588629216074e0, weight: 0.06070443916589388e0},
        {x: 0.40868648199071673e0, weight: 0.059114839698395636e0},
        {x: 0.4669029047509584e0, weight: 0.057277292100403216e0},
        {x: 0.52316097472223303e0, weight: 0.055199503699984163e0},
        {x: 0.5772247260839727e0, weight: 0.052890189485193667e0},
        {x: 0.62886739677651362e0, weight: 0.050359035553854475e0},
        {x: 0.67787237963266391e0, weight: 0.047616658492490475e0},
        {x: 0.72403413092381465e0, weight: 0.04467456085669428e0},
        {x: 0.76715903251574034e0, weight: 0.041545082943464749e0},
        {x: 0.80706620402944263e0, weight: 0.038241351065830706e0},
        {x: 0.84358826162439353e0, weight: 0.034777222564770439e0},
        {x: 0.87657202027424789e0, weight: 0.031167227832798089e0},
        {x: 0.90587913671556967e0, weight: 0.027426509708356948e0},
        {x: 0.93138669070655433e0, weight: 0.023570760839324379e0},
        {x: 0.95298770316043086e0, weight: 0.019616160457355528e0},
        {x: 0.97059159254624725e0, weight: 0.015579315722943849e0},
        {x: 0.98412458372282686e0, weight: 0.011477234579234539e0},
        {x: 0.99353017226635076e0, weight: 0.0073275539012762621e0},
        {x: 0.99877100725242612e0, weight: 0.0031533460523058386e0}
    ]'::STRUCT(x DOUBLE, weight DOUBLE)[];

-- All nodes and weights, as a list of structs.
CREATE OR REPLACE MACRO pool_gauss_legendre() AS
    list_transform(pool_gauss_legendre_half(), lambda g: {y: (1 - g.x) / 2, weight: g.weight / 2})
    || list_transform(pool_gauss_legendre_half(), lambda g: {y: (1 + g.x) / 2, weight: g.weight / 2});

-- Where slope s + curvature (exp(-s) - 1 + s) has passed 38, so that exp(-38) is left, from s^2 / (2 + s) below the
-- bracket. The log densities here fall at least so fast: their curvature x (1 - x) changes by a factor below exp(s).
CREATE OR REPLACE MACRO pool_window(slope, curvature) AS
    76 / (slope - 19 + sqrt((slope - 19) * (slope - 19) + 76 * (slope + curvature)));

-- The same while the curvature does not fall.
CREATE OR REPLACE MACRO pool_window_level(slope, curvature) AS
    76 / (slope + sqrt(slope * slope + 76 * curvature));


-- ---------------------------------------------------------------------------------------------------------------------
-- Student: pool_student_cdf(t, df), pool_student_quantile(p, df) for df >= 1, infinity included.
--
-- t = sqrt(df) sinh(u): u has the density cosh(u)^-df over its integral. df = 2a = 2b of the section below, u half the
-- log odds; symmetry leaves less to compute, and log(cosh(u)) keeps its digits up to any df.
-- ---------------------------------------------------------------------------------------------------------------------

-- The integral of cosh(u)^-df over all u, sqrt(pi) Gamma(df / 2) / Gamma(df / 2 + 1/2), by Stirling's ratios.
CREATE OR REPLACE MACRO pool_student_integral(df) AS
    sqrt(6.2831853071795864769e0 / df)
        * pool_stirling_ratio(df / 2) * (pool_stirling_ratio(df / 2) / pool_stirling_ratio(df));

-- Mills' ratio of u >= 0, of its `height` df log(cosh(u)): 1 / df + integral of (1 - tanh) density / density(u).
CREATE OR REPLACE MACRO pool_student_mills(u, df, height) AS
    list_transform(
        [{u: u, df: df, height: height,
            width: pool_window(((df + 1) * tanh(u) + 1) / 2, (df + 1) / (4 * cosh(u) * cosh(u))) / 2}],
        lambda r: 1 / r.df + r.width * list_sum(list_transform(
            list_transform(pool_gauss_legendre(), lambda g: {u: r.u + r.width * g.y, weight: g.weight}),
            lambda g: g.weight * 2 / (1 + exp(2 * g.u)) * exp(r.height - r.df * pool_log_cosh(g.u))
        ))
    )[1];

-- P(T > t) for t = sqrt(df) sinh(u), u >= 0.
CREATE OR REPLACE MACRO pool_student_tail(u, df) AS
    list_transform(
        [{u: u, df: df, height: df * pool_log_cosh(u)}],
        lambda r: CASE
            WHEN r.height > 745 THEN 0.0
            ELSE exp(-r.height) * pool_student_mills(r.u, r.df, r.height) / pool_student_integral(r.df)
        END
    )[1];

-- P(T <= t) of Student's distribution.
CREATE OR REPLACE MACRO pool_student_cdf(t, df) AS
    list_transform(
        [{
            t: pool_demand_number(t::DOUBLE, 't of pool_student_cdf'),
            df: pool_demand_from_one(df::DOUBLE, 'df of pool_student_cdf')
        }],
        lambda r: CASE
            WHEN isinf(r.df) THEN pool_normal_cdf_double(r.t)
            WHEN isinf(r.t) THEN CASE WHEN r.t > 0 THEN 1.0 ELSE 0.0 END
            WHEN r.t <= 0 THEN pool_student_tail(asinh(-r.t / sqrt(r.df)), r.df)
            ELSE 1 - pool_student_tail(asinh(r.t / sqrt(r.df)), r.df)
        END
    )[1];

-- A start for the quantile from the normal quantile z: where the height of u is that of z, df log(cosh(u)) = z^2 / 2.
CREATE OR REPLACE MACRO pool_student_start(z, df) AS
    CASE
        WHEN z * z > 40 * df THEN z * z / (2 * df) + 0.7
        ELSE acosh(exp(z * z / (2 * df)))
    END;

-- One step of Halley's iteration outward on log tail - log target = `excess`, at most twice Newton's; `slope` is that
-- of the height.
CREATE OR REPLACE MACRO pool_outward_step(excess, mills, slope) AS
    excess * mills / greatest(0.5, 1 + excess * (1 - slope * mills) / 2);

-- The u whose tail times the integral over all u is exp(target): iterated until a step is too small for a further one,
-- its cube, to be seen.
CREATE OR REPLACE MACRO pool_student_settle(start, df, target) AS
    list_reduce(
        list_transform(range(60), lambda i: {u: start::DOUBLE, moving: true}),
        lambda s, i: CASE
            WHEN NOT s.moving THEN s
            ELSE list_transform(
                list_transform(
                    list_transform(
                        [{u: s.u, height: df * pool_log_cosh(s.u)}],
                        lambda m: {u: m.u, height: m.height, mills: pool_student_mills(m.u, df, m.height)}
                    ),
                    lambda m: {
                        u: m.u,
                        mills: m.mills,
                        step: pool_outward_step(ln(m.mills) - m.height - target, m.mills, df * tanh(m.u))
                    }
                ),
                lambda m: {u: greatest(0.0, m.u + m.step), moving: abs(m.step) > 1e-6 * m.mills}
            )[1]
        END
    ).u;

-- u with its digits near 0, where the tail, close to 1/2, has lost them: one Newton step on the integral from 0 to u,
-- which is to be `middle`.
CREATE OR REPLACE MACRO pool_student_polish(u, df, middle) AS
    u + exp(df * pool_log_cosh(u)) * (middle - u * list_sum(list_transform(
        pool_gauss_legendre(), lambda g: g.weight * exp(-df * pool_log_cosh(u * g.y))
    )));

-- The t with P(T <= t) = p of Student's distribution.
CREATE OR REPLACE MACRO pool_student_quantile(p, df) AS
    list_transform(
        list_transform(
            [{
                p: pool_demand_probability(p::DOUBLE, 'p of pool_student_quantile'),
                df: pool_demand_from_one(df::DOUBLE, 'df of pool_student_quantile')
            }],
            lambda r: {p: r.p, df: r.df, tail: least(r.p, 1 - r.p), integral: pool_student_integral(r.df)}
        ),
        lambda r: CASE
            WHEN isinf(r.df) OR r.tail = 0 THEN pool_normal_quantile_double(r.p)
            WHEN r.df IS NULL OR r.p IS NULL THEN NULL
            ELSE sign(r.p - 0.5) * sqrt(r.df) * sinh(list_transform(
                [pool_student_settle(
                    pool_student_start(pool_normal_quantile_double(r.tail), r.df), r.df, ln(r.tail * r.integral)
                )],
                lambda u: CASE
                    WHEN r.tail > 0.25 THEN pool_student_polish(u, r.df, (0.5 - r.tail) * r.integral)
                    ELSE u
                END
            )[1])
        END
    )[1];


-- ---------------------------------------------------------------------------------------------------------------------
-- Beta and gamma in one: for shapes a and b, w is the log of the odds x / (1 - x) over a / b, where the density of the
-- log odds has its mode. For infinite b it is the log of x / a, x of the gamma distribution of shape a and rate 1.
-- `side` says which tail: -1 is the lower, 1 the upper one.
-- ---------------------------------------------------------------------------------------------------------------------

-- The integral over all w of the density over that at the mode, the beta function by Stirling's ratios.
CREATE OR REPLACE MACRO pool_odds_integral(a, b) AS
    sqrt(6.2831853071795864769e0 * (1 / a + 1 / b))
        * pool_stirling_ratio(a) * (pool_stirling_ratio(b) / pool_stirling_ratio(a + b));

-- The slope of the height below by w, (a + b) x - a.
CREATE OR REPLACE MACRO pool_odds_slope(a, b, w) AS
    a / (1 + a / b) * CASE
        WHEN w < 0 THEN pool_expm1(w) / (1 + pool_expm1(w) / (1 + b / a))
        ELSE -pool_expm1(-w) / (1 + pool_expm1(-w) / (1 + a / b))
    END;

-- How far the log density at w lies below that at the mode: near it a D(x / mean) + b D((1 - x) / mean of 1 - x), the
-- deviance of Loader (2000), D(1 + e) = e - log(1 + e).
CREATE OR REPLACE MACRO pool_odds_height(a, b, w) AS
    list_transform(
        [{a: a, b: b, w: w, e: pool_expm1(w)}],
        lambda r: CASE
            WHEN abs(r.w) < 0.25 THEN
                r.a * pool_log_excess(r.e / (1 + r.a / r.b) / (1 + r.e / (1 + r.b / r.a)))
                + CASE
                    WHEN isinf(r.b) THEN 0.0
                    ELSE r.b * pool_log_excess(-r.e / (1 + r.b / r.a) / (1 + r.e / (1 + r.b / r.a)))
                END
            WHEN isinf(r.b) THEN r.a * (r.e - r.w)
            WHEN r.a * exp(r.w) <= r.b THEN (r.a + r.b) * pool_log1p(r.e / (1 + r.b / r.a)) - r.a * r.w
            ELSE (r.a + r.b) * pool_log1p(pool_expm1(-r.w) / (1 + r.a / r.b)) + r.b * r.w
        END
    )[1];

-- Mills' ratio of w outward. The odds are turned over where x > 1/2; `mean` is (a + b) x, where x is 0 for infinite b.
CREATE OR REPLACE MACRO pool_odds_mills(a, b, w, side) AS
    list_transform(
        list_transform(
            list_transform(
                [CASE
                    WHEN a * exp(w) > b THEN {a: b, b: a, w: -w, side: -side}
                    ELSE {a: a, b: b, w: w, side: side}
                END],
                lambda r: {
                    a: r.a, b: r.b, side: r.side, n: r.a + r.b,
                    mean: r.a * exp(r.w) / (1 + pool_expm1(r.w) / (1 + r.b / r.a)),
                    x: exp(r.w) / (1 + pool_expm1(r.w) / (1 + r.b / r.a)) / (1 + r.b / r.a)
                }
            ),
            lambda r: {
                a: r.a, side: r.side, n: r.n, mean: r.mean, x: r.x,
                first: 1 / CASE WHEN r.side < 0 THEN r.a ELSE r.b END,
                share: CASE WHEN r.side < 0 THEN r.mean / r.a ELSE (1 - r.x) * (1 + r.a / r.b) END,
                width: list_transform(
                    [{
                        slope: greatest(0.0, r.side * (r.mean - r.a) + CASE WHEN r.side < 0 THEN 1 - r.x ELSE r.x END),
                        curvature: (r.mean + r.x) * (1 - r.x)
                    }],
                    lambda c: CASE
                        WHEN r.side > 0 AND pool_window_level(c.slope, c.curvature) < 2 * ln((1 - r.x) / r.x)
                            THEN pool_window_level(c.slope, c.curvature)
                        ELSE pool_window(c.slope, c.curvature)
                    END
                )[1]
            }
        ),
        lambda r: r.first + r.share * r.width * list_sum(list_transform(
            list_transform(
                list_transform(pool_gauss_legendre(), lambda g: {s: r.side * r.width * g.y, weight: g.weight}),
                lambda g: {s: g.s, e: pool_expm1(g.s), weight: g.weight}
            ),
            lambda g: g.weight * CASE WHEN r.side < 0 THEN 1 + g.e ELSE 1.0 END / (1 + r.x * g.e)
                * exp(r.a * g.s - CASE WHEN isinf(r.n) THEN r.mean * g.e ELSE r.n * pool_log1p(r.x * g.e) END)
        ))
    )[1];

-- The probability beyond w.
CREATE OR REPLACE MACRO pool_odds_tail(a, b, w, side) AS
    list_transform(
        [{a: a, b: b, w: w, side: side, height: pool_odds_height(a, b, w)}],
        lambda r: CASE
            WHEN r.height > 745 THEN 0.0
            ELSE exp(-r.height) * pool_odds_mills(r.a, r.b, r.w, r.side) / pool_odds_integral(r.a, r.b)
        END
    )[1];

-- Where the tails meet: the mode for a + 1 and b + 1, between the flat parts that small a and b have.
CREATE OR REPLACE MACRO pool_odds_split(a, b) AS
    ln((1 + 1 / a) / (1 + 1 / b));

-- P(W <= w), from the tail on that side of the split where w lies.
CREATE OR REPLACE MACRO pool_odds_cdf(a, b, w) AS
    list_transform(
        [{a: a, b: b, w: w}],
        lambda r: CASE
            WHEN r.w <= pool_odds_split(r.a, r.b) THEN pool_odds_tail(r.a, r.b, r.w, -1)
            ELSE 1 - pool_odds_tail(r.a, r.b, r.w, 1)
        END
    )[1];

-- Where the search starts, z the normal quantile of p: by the first three cumulants of a difference of log gamma
-- variables (Cornish & Fisher 1938).
CREATE OR REPLACE MACRO pool_odds_start(a, b, z) AS
    list_transform(
        [{
            mean: (1 + 1 / (6 * b)) / (2 * b) - (1 + 1 / (6 * a)) / (2 * a),
            variance: (1 + (1 / 2 + 1 / (6 * a)) / a) / a + (1 + (1 / 2 + 1 / (6 * b)) / b) / b,
            third: (1 + (1 + 1 / (2 * b)) / b) / (b * b) - (1 + (1 + 1 / (2 * a)) / a) / (a * a)
        }],
        lambda c: c.mean + sqrt(c.variance) * z + c.third / c.variance * (z * z - 1) / 6
    )[1];

-- The way outward to where log tail - log target, the excess E, is 0: {step, last}, four terms of the quantile's Taylor
-- series and the fifth. Mills' ratio m and the slope d of the height make du = m dE and dm = m (d m - 1) dE; here
-- p = d m, f = p - 1, q, r and t hold the derivatives of d, and p1 is dp / dE.
CREATE OR REPLACE MACRO pool_outward_series(excess, mills, slope, bend, bend2, bend3) AS
    list_transform(
        list_transform(
            list_transform(
                [{e: excess, m: mills, p: slope * mills, q: bend * mills * mills, r: bend2 * mills * mills * mills,
                    t: bend3 * mills * mills * mills * mills, f: slope * mills - 1}],
                lambda c: {e: c.e, m: c.m, p: c.p, q: c.q, r: c.r, f: c.f, p1: c.q + c.p * c.f,
                    q1: c.r + 2 * c.q * c.f, r1: c.t + 3 * c.r * c.f}
            ),
            lambda c: {e: c.e, m: c.m, p: c.p, q: c.q, f: c.f, p1: c.p1, q1: c.q1, r1: c.r1,
                third: c.f * c.f + c.p1, third1: (3 * c.f + c.p) * c.p1 + c.q1}
        ),
        lambda c: {
            step: c.m * c.e * (1 + c.e / 2 * (c.f + c.e / 3 * (c.third + c.e / 4 * (c.f * c.third + c.third1)))),
            last: c.m * c.e * c.e * c.e * c.e * c.e / 120 * (
                c.f * (c.f * c.third + c.third1) + c.p1 * c.third + c.f * c.third1 + 4 * c.p1 * c.p1
                + (3 * c.f + c.p) * (c.q1 + (c.f + c.p) * c.p1) + c.r1 + 2 * c.q1 * c.f + 2 * c.q * c.p1)
        }
    )[1];

-- The w whose tail times the integral over all w is exp(target): far off by Halley's steps, then by the series, until
-- a sixth term is too small to be seen.
CREATE OR REPLACE MACRO pool_odds_settle(a, b, start, split, side, target) AS
    list_reduce(
        list_transform(range(60), lambda i: {w: start::DOUBLE, moving: true}),
        lambda s, i: CASE
            WHEN NOT s.moving THEN s
            ELSE list_transform(
                list_transform(
                    list_transform(
                        [{
                            w: s.w, height: pool_odds_height(a, b, s.w), mills: pool_odds_mills(a, b, s.w, side),
                            slope: side * pool_odds_slope(a, b, s.w),
                            x: 1 / (1 + b / a * exp(-s.w)),
                            bend: a * exp(s.w) * (1 + a / b) / (1 + a / b * exp(s.w)) / (1 + a / b * exp(s.w))
                        }],
                        lambda m: {
                            w: m.w, mills: m.mills, slope: m.slope, excess: ln(m.mills) - m.height - target,
                            series: pool_outward_series(ln(m.mills) - m.height - target, m.mills, m.slope, m.bend,
                                side * m.bend * (1 - 2 * m.x), m.bend * (1 - 6 * m.x * (1 - m.x)))
                        }
                    ),
                    lambda m: CASE
                        WHEN abs(m.excess) < 0.5 AND abs(m.series.last) <= 0.01 * m.mills * abs(m.excess) THEN {
                            w: m.w,
                            step: m.series.step + m.series.last,
                            moving: abs(m.series.last * m.excess) > 1e-13 * least(1.0, m.mills)
                        }
                        ELSE {w: m.w, step: pool_outward_step(m.excess, m.mills, m.slope), moving: true}
                    END
                ),
                lambda m: {w: side * greatest(side * split, side * m.w + m.step), moving: m.moving}
            )[1]
        END
    ).w;

-- P(W <= split), which is 0.1 to 0.9 where both shapes are 1 or more: NULL where p, or 1 - p, is beyond that anyway.
CREATE OR REPLACE MACRO pool_odds_below(a, b, p, split) AS
    CASE WHEN a < 1 OR b < 1 OR abs(p - 0.5) <= 0.4 THEN pool_odds_tail(a, b, split, -1) END;

-- The side of the split where p lies.
CREATE OR REPLACE MACRO pool_odds_side(p, below) AS
    CASE WHEN p <= coalesce(below, 0.5) THEN -1.0::DOUBLE ELSE 1.0::DOUBLE END;

-- Where the search for the w of a probability p begins: far from normal at the split, as the tail is log concave from
-- there.
CREATE OR REPLACE MACRO pool_odds_begin(a, b, p, split, side) AS
    CASE
        WHEN a < 1 OR b < 1 THEN split
        ELSE side * greatest(side * split, side * pool_odds_start(a, b, pool_normal_quantile_double(p)))
    END;

-- The log of its tail times the integral.
CREATE OR REPLACE MACRO pool_odds_target(a, b, p, side) AS
    ln(CASE WHEN side < 0 THEN p ELSE 1 - p END) + ln(pool_odds_integral(a, b));

-- The w of a probability p, 0 < p < 1, from the side of the split where it lies.
CREATE OR REPLACE MACRO pool_odds_quantile(a, b, p) AS
    list_transform(
        list_transform(
            list_transform(
                [{a: a, b: b, p: p, split: pool_odds_split(a, b)}],
                lambda r: {
                    a: r.a, b: r.b, p: r.p, split: r.split,
                    side: pool_odds_side(r.p, pool_odds_below(r.a, r.b, r.p, r.split))
                }
            ),
            lambda r: {
                a: r.a, b: r.b, split: r.split, side: r.side,
                start: pool_odds_begin(r.a, r.b, r.p, r.split, r.side),
                target: pool_odds_target(r.a, r.b, r.p, r.side)
            }
        ),
        lambda r: CASE
            WHEN r.target IS NOT NULL THEN pool_odds_settle(r.a, r.b, r.start, r.split, r.side, r.target)
        END
    )[1];

-- log(x / y) from x - y where they are near each other.
CREATE OR REPLACE MACRO pool_log_ratio(x, y) AS
    CASE WHEN abs(x - y) < 0.5 * y THEN pool_log1p((x - y) / y) ELSE ln(x / y) END;


-- ---------------------------------------------------------------------------------------------------------------------
-- Gamma of rate 1: pool_gamma_cdf(x, shape), pool_gamma_quantile(p, shape). Chi-square: pool_chi_square_cdf(x, df),
-- pool_chi_square_quantile(p, df), pool_chi_square_median(df). Any positive shape or df.
-- ---------------------------------------------------------------------------------------------------------------------

-- P(X <= x) of DOUBLEs, the shape in its domain.
CREATE OR REPLACE MACRO pool_gamma_cdf_double(x, shape) AS
    list_transform(
        [{x: x, a: shape}],
        lambda r: CASE
            WHEN r.a IS NULL THEN NULL
            WHEN r.x <= 0 THEN 0.0
            WHEN r.x / r.a >= 'infinity'::DOUBLE THEN 1.0
            ELSE pool_odds_cdf(r.a, 'infinity'::DOUBLE, pool_log_ratio(r.x, r.a))
        END
    )[1];

-- The x with P(X <= x) = p, of DOUBLEs that are in the domain.
CREATE OR REPLACE MACRO pool_gamma_quantile_double(p, shape) AS
    list_transform(
        [{p: p, a: shape}],
        lambda r: CASE
            WHEN r.a IS NULL THEN NULL
            WHEN r.p = 0 THEN 0.0
            WHEN r.p = 1 THEN 'infinity'::DOUBLE
            ELSE r.a * exp(pool_odds_quantile(r.a, 'infinity'::DOUBLE, r.p))
        END
    )[1];

-- P(X <= x) of the gamma distribution of rate 1: the regularised incomplete gamma function P(shape, x).
CREATE OR REPLACE MACRO pool_gamma_cdf(x, shape) AS
    pool_gamma_cdf_double(
        pool_demand_number(x::DOUBLE, 'x of pool_gamma_cdf'),
        pool_demand_positive(shape::DOUBLE, 'shape of pool_gamma_cdf')
    );

-- The x with P(X <= x) = p of the gamma distribution of rate 1.
CREATE OR REPLACE MACRO pool_gamma_quantile(p, shape) AS
    pool_gamma_quantile_double(
        pool_demand_probability(p::DOUBLE, 'p of pool_gamma_quantile'),
        pool_demand_positive(shape::DOUBLE, 'shape of pool_gamma_quantile')
    );

-- P(X <= x) of the chi-square distribution: X / 2 is gamma of shape df / 2.
CREATE OR REPLACE MACRO pool_chi_square_cdf(x, df) AS
    pool_gamma_cdf_double(
        pool_demand_number(x::DOUBLE, 'x of pool_chi_square_cdf') / 2,
        pool_demand_positive(df::DOUBLE, 'df of pool_chi_square_cdf') / 2
    );

-- The x with P(X <= x) = p of the chi-square distribution.
CREATE OR REPLACE MACRO pool_chi_square_quantile(p, df) AS
    2 * pool_gamma_quantile_double(
        pool_demand_probability(p::DOUBLE, 'p of pool_chi_square_quantile'),
        pool_demand_positive(df::DOUBLE, 'df of pool_chi_square_quantile') / 2
    );

-- Median of the chi-square distribution.
CREATE OR REPLACE MACRO pool_chi_square_median(df) AS
    2 * pool_gamma_quantile_double(0.5::DOUBLE, pool_demand_positive(df::DOUBLE, 'df of pool_chi_square_median') / 2);


-- ---------------------------------------------------------------------------------------------------------------------
-- Beta: pool_beta_cdf(x, a, b), pool_beta_quantile(p, a, b) for any positive a and b.
-- ---------------------------------------------------------------------------------------------------------------------

-- P(X <= x) of the beta distribution: the regularised incomplete beta function.
CREATE OR REPLACE MACRO pool_beta_cdf(x, a, b) AS
    list_transform(
        [{
            x: pool_demand_number(x::DOUBLE, 'x of pool_beta_cdf'),
            a: pool_demand_positive(a::DOUBLE, 'a of pool_beta_cdf'),
            b: pool_demand_positive(b::DOUBLE, 'b of pool_beta_cdf')
        }],
        lambda r: CASE
            WHEN r.a IS NULL OR r.b IS NULL THEN NULL
            WHEN r.x <= 0 THEN 0.0
            WHEN r.x >= 1 THEN 1.0
            ELSE pool_odds_cdf(r.a, r.b, pool_log_ratio(r.x * r.b, (1 - r.x) * r.a))
        END
    )[1];

-- The x with P(X <= x) = p of the beta distribution.
CREATE OR REPLACE MACRO pool_beta_quantile(p, a, b) AS
    list_transform(
        [{
            p: pool_demand_probability(p::DOUBLE, 'p of pool_beta_quantile'),
            a: pool_demand_positive(a::DOUBLE, 'a of pool_beta_quantile'),
            b: pool_demand_positive(b::DOUBLE, 'b of pool_beta_quantile')
        }],
        lambda r: CASE
            WHEN r.a IS NULL OR r.b IS NULL THEN NULL
            WHEN r.p = 0 OR r.p = 1 THEN r.p
            ELSE 1 / (1 + r.b / r.a * exp(-pool_odds_quantile(r.a, r.b, r.p)))
        END
    )[1];


-- ---------------------------------------------------------------------------------------------------------------------
-- Derivatives of log gamma: pool_digamma(x), pool_trigamma(x) for x > 0, pool_trigamma_inverse(y) for y > 0.
-- ---------------------------------------------------------------------------------------------------------------------

-- log(x) - digamma(x) - 1 / (2 x) for x >= 10, times x^2, from q = 1 / x^2 (Abramowitz & Stegun 6.3.18).
CREATE OR REPLACE MACRO pool_digamma_series(q) AS
    1 / 12 - (1 / 120 - (1 / 252 - (1 / 240 - (1 / 132 - (691 / 32760 - q / 12) * q) * q) * q) * q) * q;

-- Digamma, the derivative of log Gamma(x).
--
-- Below 10 as its difference from digamma(root) = 0, root = 1.46163..., so that it keeps its digits there: the sum over
-- k < 10 of 1 / (root + k) - 1 / (x + k) = d / ((root + k) (x + k)), d = x - root, and the difference of the asymptotic
-- series at x + 10 and root + 10.
CREATE OR REPLACE MACRO pool_digamma_double(x) AS
    CASE
        WHEN x >= 'infinity'::DOUBLE THEN x
        WHEN x >= 10 THEN ln(x) - 0.5 / x - pool_digamma_series(1 / (x * x)) / (x * x)
        ELSE list_transform(
            [{x: x, d: x - 1.4616321449683622e0 - 9.549995429965697e-17}],
            lambda r: r.d * (list_sum(list_transform(range(10), lambda k: 1 / ((r.x + k) * (1.4616321449683622e0 + k))))
                    + 0.5 / ((r.x + 10) * 1.14616321449683622e1))
                + pool_log1p(r.d / 1.14616321449683622e1)
                - pool_digamma_series(1 / ((r.x + 10) * (r.x + 10))) / ((r.x + 10) * (r.x + 10))
                + pool_digamma_series(1 / (1.14616321449683622e1 * 1.14616321449683622e1))
                    / (1.14616321449683622e1 * 1.14616321449683622e1)
        )[1]
    END;

-- The derivative of log Gamma(x), x > 0.
CREATE OR REPLACE MACRO pool_digamma(x) AS
    pool_digamma_double(pool_demand_positive(x::DOUBLE, 'x of pool_digamma'));

-- Trigamma for x >= 10 (Abramowitz & Stegun 6.4.12).
CREATE OR REPLACE MACRO pool_trigamma_series(x, q) AS
    (1 + (0.5 + (
        1 / 6 - (1 / 30 - (1 / 42 - (1 / 30 - (5 / 66 - (691 / 2730 - 7 / 6 * q) * q) * q) * q) * q) * q
    ) / x) / x) / x;

-- The second derivative of log Gamma(x), of a DOUBLE above 0.
CREATE OR REPLACE MACRO pool_trigamma_double(x) AS
    CASE
        WHEN x >= 10 THEN pool_trigamma_series(x, 1 / (x * x))
        ELSE list_transform(
            [x],
            lambda v: list_sum(list_transform(range(10), lambda k: 1 / ((v + k) * (v + k))))
                + pool_trigamma_series(v + 10, 1 / ((v + 10) * (v + 10)))
        )[1]
    END;

-- Trigamma, the second derivative of log Gamma(x).
CREATE OR REPLACE MACRO pool_trigamma(x) AS
    pool_trigamma_double(pool_demand_positive(x::DOUBLE, 'x of pool_trigamma'));

-- Minus the third derivative of log Gamma(x), to some ten digits: the slope of a search.
CREATE OR REPLACE MACRO pool_trigamma_fall(x) AS
    list_sum(list_transform(range(10), lambda k: 2 / ((x + k) * (x + k) * (x + k))))
        + (1 + (1 + (0.5 - (1 / 6 - 1 / 6 / ((x + 10) * (x + 10))) / ((x + 10) * (x + 10))) / (x + 10)) / (x + 10))
            / ((x + 10) * (x + 10));

-- Newton's method for 1 / trigamma, which is convex: from 1 / y + 1 / 2, above the root, it goes down to it, until
-- rounding sends it up.
CREATE OR REPLACE MACRO pool_trigamma_inverse_double(y) AS
    list_reduce(
        list_transform(range(200), lambda i: {x: 0.5 + 1 / y, moving: true}),
        lambda s, i: CASE
            WHEN NOT s.moving THEN s
            ELSE list_transform(
                list_transform(
                    [{x: s.x, trigamma: pool_trigamma_double(s.x)}],
                    lambda m: {x: m.x, step: m.trigamma * (m.trigamma / y - 1) / pool_trigamma_fall(m.x)}
                ),
                lambda m: {x: CASE WHEN m.step < -1e-15 * m.x THEN m.x + m.step ELSE m.x END,
                    moving: m.step < -1e-15 * m.x}
            )[1]
        END
    ).x;

-- The x whose trigamma is y.
CREATE OR REPLACE MACRO pool_trigamma_inverse(y) AS
    CASE
        WHEN y::DOUBLE = 'infinity'::DOUBLE THEN 0.0
        ELSE pool_trigamma_inverse_double(pool_demand_positive(y::DOUBLE, 'y of pool_trigamma_inverse'))
    END;


-- ---------------------------------------------------------------------------------------------------------------------
-- The sine integral Si(x), the integral of sin(t) / t from 0 to x: pool_sine_integral. Give it a column.
-- ---------------------------------------------------------------------------------------------------------------------

-- Its Maclaurin series up to |x| = 6, by q = x^2.
CREATE OR REPLACE MACRO pool_sine_integral_series(x, q) AS
    x * (
        1.0e0 + q * (-0.05555555555555555e0 + q * (0.0016666666666666668e0 + q * (-2.834467120181406e-05 + q *
        (3.0619243582206544e-07 + q * (-2.27746439867652e-09 + q * (1.2353110643708935e-11 + q *
        (-5.0981091545465446e-14 + q * (1.6537983849091297e-16 + q * (-4.326650129802279e-19 + q *
        (9.32044812542441e-22 + q * (-1.6818131176655147e-24 + q * (2.5787801137537893e-27 + q *
        (-3.401366616220572e-30 + q * (3.8999872022233505e-33 + q * (-3.922984005011348e-36 + q *
        (3.489798672961197e-39 + q * (-2.7650265596091116e-42 + q * (1.9636378862575867e-45 + q *
        -1.257043527311165e-48))))))))))))))))))
    );

-- The auxiliary functions x f(x) and x^2 g(x) beyond, by q = 36 / x^2 from 0 to 1: rational functions that meet them at
-- 17 points to 3e-14 and 4e-13, by mpmath (DLMF 6.2.17, 6.2.18).
CREATE OR REPLACE MACRO pool_sine_integral_f(q) AS
    (
        0.99999999999997456184e0 + q * (16.996005747314168605e0 + q * (99.751563191113966723e0 + q *
        (258.42617765433183951e0 + q * (313.51507915285414461e0 + q * (174.05604651183339764e0 + q *
        (39.868507156908118171e0 + q * (2.9207689742135172234e0 + q * 0.030396929687045576299e0)))))))
    ) / (
        1.0e0 + q * (17.051561302854373448e0 + q * (100.68035363565208599e0 + q * (263.71919298288613853e0 + q *
        (326.54083348957852603e0 + q * (188.51783195981941939e0 + q * (46.752244310239634134e0 + q *
        (4.1136654434300815683e0 + q * 0.078953229708652668543e0)))))))
    );
CREATE OR REPLACE MACRO pool_sine_integral_g(q) AS
    (
        0.99999999999967870812e0 + q * (18.703570681328739569e0 + q * (121.20666588685752766e0 + q *
        (347.58103448816051738e0 + q * (467.05055804256797328e0 + q * (286.24281740236865539e0 + q *
        (71.472680820991070798e0 + q * (5.4676346677054382416e0 + q * 0.042751678170702767732e0)))))))
    ) / (
        1.0e0 + q * (18.870237347800715165e0 + q * (124.25911287542248282e0 + q * (366.65166584949289058e0 + q *
        (518.47614139882435783e0 + q * (348.71149236970515687e0 + q * (103.96421034230626497e0 + q *
        (11.635324066531600925e0 + q * 0.32312736610872914197e0)))))))
    );

-- Si(x) to 1e-14; Si(x) = sign(x) pi / 2 - f(x) cos(x) - g(x) sin(x) (DLMF 6.2.19).
CREATE OR REPLACE MACRO pool_sine_integral(x) AS
    CASE
        WHEN abs(x) <= 6 THEN pool_sine_integral_series(x, x * x)
        ELSE sign(x) * 1.5707963267948966192e0 - cos(x) / x * pool_sine_integral_f(36 / (x * x))
            - sin(x) / (x * x) * pool_sine_integral_g(36 / (x * x))
    END;
