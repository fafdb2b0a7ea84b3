-- ---------------------------------------------------------------------------------------------------------------------
-- Data that are an error beside one predictor of groups.
-- ---------------------------------------------------------------------------------------------------------------------

-- A number of groups in words.
CREATE OR REPLACE MACRO _pool_number_of_groups(bad) AS
    CASE WHEN bad = 1 THEN '1 group' ELSE format('{:,} groups', bad::BIGINT) END;

-- True, or an error: the predictor is missing, or varies within a group.
CREATE OR REPLACE MACRO _pool_toward_sound(totals) AS TABLE
    SELECT CASE
            WHEN missing > 0 THEN error(_pool_message_predictor_missing(predictor, _pool_number_of_groups(missing)))
            WHEN varying > 0 THEN error(_pool_message_predictor_varies(predictor, _pool_number_of_groups(varying)))
            ELSE true
        END AS steady
    FROM (SELECT sum(missing) AS missing, sum(varying) AS varying FROM query_table(totals)), _pool_predictor;
