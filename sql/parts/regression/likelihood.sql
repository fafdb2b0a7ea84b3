-- ---------------------------------------------------------------------------------------------------------------------
-- The fit of a regression at a rho, with its profile deviance.
-- ---------------------------------------------------------------------------------------------------------------------

-- Sums over the groups of a model at the rho of a point, with weights h = w / (1 + w rho), or equal weights at infinite
-- rho. Deviations are from the point's centre, which may lie anywhere among the groups.
CREATE OR REPLACE MACRO _pool_line_sums(points, classes) AS TABLE
    SELECT id, sum(k * h) AS h, sum(k * h * dx) AS hx, sum(k * h * dy) AS hy, sum(k * h * (dx * dx + sxx)) AS hxx,
        sum(k * h * (dx * dy + sxy)) AS hxy, sum(k * h * (dy * dy + syy)) AS hyy, sum(k * h * h) AS h2,
        sum(k * h * h * dx) AS h2x, sum(k * h * h * dy) AS h2y, sum(k * h * h * (dx * dx + sxx)) AS h2xx,
        sum(k * h * h * (dx * dy + sxy)) AS h2xy, sum(k * h * h * (dy * dy + syy)) AS h2yy,
        sum(CASE WHEN rho < 'infinity'::DOUBLE THEN k * pool_log_inflation(w, rho) ELSE 0.0 END) AS logs
    FROM (
        SELECT id, rho, k, w, sxx, sxy, syy, x - centre_x AS dx, y - centre_y AS dy,
            CASE WHEN rho < 'infinity'::DOUBLE THEN pool_information(w, rho) ELSE 1.0 END AS h
        FROM (SELECT id, model, rho, centre_x, centre_y FROM query_table(points))
        JOIN (SELECT model, k, w, x, y, sxx, sxy, syy FROM query_table(classes)) USING (model)
    )
    GROUP BY id;

-- The points with these sums about the means with weights h, which become the new centre: hxx, hxy and hyy are those of
-- the groups' means, and the last ones have the weights h^2.
CREATE OR REPLACE MACRO _pool_line_about(points, classes) AS TABLE
    SELECT p.* REPLACE (centre_x + hx / h AS centre_x, centre_y + hy / h AS centre_y), h, h2, logs,
        hx / h AS mx, hy / h AS my, hxx - mx * hx AS hxx, hxy - mx * hy AS hxy, hyy - my * hy AS hyy,
        _pool_line_moved_product(h2xx, h2x, h2x, h2, mx, mx) AS h2xx,
        _pool_line_moved_product(h2xy, h2x, h2y, h2, mx, my) AS h2xy,
        _pool_line_moved_product(h2yy, h2y, h2y, h2, my, my) AS h2yy
    FROM query_table(points) AS p JOIN (FROM _pool_line_sums(points, classes)) AS s USING (id);

-- The points of a search with the profile deviance and its slope.
CREATE OR REPLACE MACRO _pool_line_evaluated(search, classes, method) AS TABLE
    WITH looking AS (FROM query_table(search) WHERE phase IN ('low', 'up', 'between')),
    about AS (FROM _pool_line_about('looking', classes)),
    fitted AS (
        SELECT *, wxx + hxx AS xx, pool_regression_slope(xx, wxy + hxy) AS beta,
            pool_regression_squares(xx, wxy + hxy, wyy + hyy) AS squares,
            _pool_line_squares_about(h2xx, h2xy, h2yy, beta) AS h2e2
        FROM about
    )
    SELECT * EXCLUDE (deviance, h, h2, logs, mx, my, hxx, hxy, hyy, h2xx, h2xy, h2yy, xx, beta, squares, h2e2),
        CASE WHEN method = 'reml' THEN pool_regression_reml_deviance_slope(squares, h2e2, h, h2, h2xx, xx, df)
            ELSE pool_regression_ml_deviance_slope(squares, h2e2, h, df) END AS slope,
        CASE WHEN method = 'reml' THEN pool_regression_reml_deviance(squares, logs, df, h, xx)
            ELSE pool_regression_ml_deviance(squares, logs, df) END AS deviance
    FROM fitted;
