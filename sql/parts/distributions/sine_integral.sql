-- ---------------------------------------------------------------------------------------------------------------------
-- The sine integral Si(x), the integral of sin(t) / t from 0 to x: pool_sine_integral. Give it a column.
-- ---------------------------------------------------------------------------------------------------------------------

-- A polynomial by Horner's scheme, the coefficient of the highest power first: planned as one term.
CREATE OR REPLACE MACRO _pool_polynomial(coefficients, q) AS
    list_reduce(coefficients, lambda _sum, _c: _sum * q + _c);

-- The Maclaurin series of Si(x) up to |x| = 6, by q = x^2.
CREATE OR REPLACE MACRO _pool_sine_integral_series(x, q) AS
    x * _pool_polynomial('[
        -1.257043527311165e-48, 1.9636378862575867e-45, -2.7650265596091116e-42, 3.489798672961197e-39,
        -3.922984005011348e-36, 3.8999872022233505e-33, -3.401366616220572e-30, 2.5787801137537893e-27,
        -1.6818131176655147e-24, 9.32044812542441e-22, -4.326650129802279e-19, 1.6537983849091297e-16,
        -5.0981091545465446e-14, 1.2353110643708935e-11, -2.27746439867652e-09, 3.0619243582206544e-07,
        -2.834467120181406e-05, 0.0016666666666666668, -0.05555555555555555, 1.0
    ]'::DOUBLE[], q);

-- The auxiliary functions x f(x) and x^2 g(x) beyond, by q = 36 / x^2 from 0 to 1: rational functions that meet them at
-- 17 points to 3e-14 and 4e-13, by mpmath (DLMF 6.2.17, 6.2.18).
CREATE OR REPLACE MACRO _pool_sine_integral_f(q) AS
    _pool_polynomial('[
        0.030396929687045576299, 2.9207689742135172234, 39.868507156908118171, 174.05604651183339764,
        313.51507915285414461, 258.42617765433183951, 99.751563191113966723, 16.996005747314168605,
        0.99999999999997456184
    ]'::DOUBLE[], q) / _pool_polynomial('[
        0.078953229708652668543, 4.1136654434300815683, 46.752244310239634134, 188.51783195981941939,
        326.54083348957852603, 263.71919298288613853, 100.68035363565208599, 17.051561302854373448, 1.0
    ]'::DOUBLE[], q);
CREATE OR REPLACE MACRO _pool_sine_integral_g(q) AS
    _pool_polynomial('[
        0.042751678170702767732, 5.4676346677054382416, 71.472680820991070798, 286.24281740236865539,
        467.05055804256797328, 347.58103448816051738, 121.20666588685752766, 18.703570681328739569,
        0.99999999999967870812
    ]'::DOUBLE[], q) / _pool_polynomial('[
        0.32312736610872914197, 11.635324066531600925, 103.96421034230626497, 348.71149236970515687,
        518.47614139882435783, 366.65166584949289058, 124.25911287542248282, 18.870237347800715165, 1.0
    ]'::DOUBLE[], q);

-- Si(x) to 1e-14; Si(x) = sign(x) pi / 2 - f(x) cos(x) - g(x) sin(x) (DLMF 6.2.19).
CREATE OR REPLACE MACRO pool_sine_integral(x) AS
    CASE
        WHEN abs(x) <= 6 THEN _pool_sine_integral_series(x, x * x)
        ELSE sign(x) * 1.5707963267948966192e0 - cos(x) / x * _pool_sine_integral_f(36 / (x * x))
            - sin(x) / (x * x) * _pool_sine_integral_g(36 / (x * x))
    END;
