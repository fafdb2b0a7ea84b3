-- ---------------------------------------------------------------------------------------------------------------------
-- Tails of the other distributions: one mechanism.
--
-- Each distribution is that of a variable u (arsinh(t / sqrt(df)), log x, or the log odds of x) whose log density is
-- concave. Its tail beyond u is density(u) times Mills' ratio, the integral of density(u + s) / density(u) over s > 0:
-- a smooth function that falls from 1 to 0 in a known window. 48 nodes of Gauss and Legendre give it 15 digits. A
-- concave log density has a concave log tail: Newton's iteration (Halley's, whose curvature costs nothing more) on the
-- log tail finds a quantile, and Mills' ratio is its step.
--
-- Where the density falls slowly, so that the window is wide, integration by parts makes it fall faster: d/du of
-- x^a (1 - x)^b is x^a (1 - x)^b (a - (a + b) x), so 1 / a + integral of x (a + b) / a density(u + s) / density(u).
-- ---------------------------------------------------------------------------------------------------------------------

-- Nodes y in (0, 1) and weights of the Gauss-Legendre rule of 48 points, from its half on (-1, 1) (Davis & Rabinowitz).
CREATE OR REPLACE MACRO _pool_gauss_legendre_half() AS
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
CREATE OR REPLACE MACRO _pool_gauss_legendre() AS
    list_transform(_pool_gauss_legendre_half(), lambda _g: {y: (1 - _g.x) / 2, weight: _g.weight / 2})
    || list_transform(_pool_gauss_legendre_half(), lambda _g: {y: (1 + _g.x) / 2, weight: _g.weight / 2});

-- The distance s within which a density falls to exp(-38): an upper bound of the root of slope s + curvature (exp(-s) -
-- 1 + s) = 38, because this bracket is at least s^2 / (2 + s). The log densities here fall at least as fast: their
-- curvature x (1 - x) changes by a factor below exp(s).
CREATE OR REPLACE MACRO _pool_window(slope, curvature) AS
    76 / (slope - 19 + sqrt((slope - 19) * (slope - 19) + 76 * (slope + curvature)));

-- The distance s with slope s + curvature s^2 / 2 = 38: _pool_window while the curvature does not fall.
CREATE OR REPLACE MACRO _pool_window_level(slope, curvature) AS
    76 / (slope + sqrt(slope * slope + 76 * curvature));
