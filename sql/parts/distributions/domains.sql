-- ---------------------------------------------------------------------------------------------------------------------
-- Distributions as scalar macros of DuckDB: normal, Student, chi-square, gamma and beta, and the polygamma functions.
--
-- A missing argument gives a missing result. An argument outside its domain (NaN among them) raises an error that
-- states the domain. Numbers of any type are cast to DOUBLE. Only the macros named at the head of each file are meant
-- to be called. The macros that they need come first, because a macro must be defined after the macros that it calls.
--
-- DuckDB substitutes arguments as text, so a nested call multiplies the terms to plan. An argument that is used many
-- times is bound once, by a lambda over a list of one element. Arithmetic in a lambda takes three times as long per row
-- as outside: what a macro uses a few times is written out.
--
-- DuckDB binds the body of a macro when it is created, up to the first function whose overload depends on an argument,
-- because the type of the argument is not known then. Macros that call many others begin with such a function.
--
-- This file checks domains: each macro returns its argument as DOUBLE or raises one sentence. NaN counts as above all
-- numbers.
-- ---------------------------------------------------------------------------------------------------------------------

-- False. It ends the binding of a macro that is created, and disappears from one that is called.
CREATE OR REPLACE MACRO _pool_unbound(x) AS
    false AND x || '' = '';

-- A number, not NaN.
CREATE OR REPLACE MACRO _pool_demand_number(x, argument) AS
    CASE
        WHEN _pool_unbound(x) THEN NULL
        WHEN isnan(x::DOUBLE) THEN error('The argument ' || argument || ' is NaN: it must be a number.')
        ELSE x::DOUBLE
    END;

-- A number from 0 to 1.
CREATE OR REPLACE MACRO _pool_demand_probability(p, argument) AS
    CASE
        WHEN _pool_unbound(p) THEN NULL
        WHEN p::DOUBLE < 0 OR p::DOUBLE > 1
            THEN error('The argument ' || argument || ' is ' || p::DOUBLE || ': it must lie in [0, 1].')
        ELSE p::DOUBLE
    END;

-- A positive, finite number.
CREATE OR REPLACE MACRO _pool_demand_positive(x, argument) AS
    CASE
        WHEN _pool_unbound(x) THEN NULL
        WHEN x::DOUBLE <= 0 OR x::DOUBLE >= 'infinity'::DOUBLE
            THEN error('The argument ' || argument || ' is ' || x::DOUBLE || ': it must be positive and finite.')
        ELSE x::DOUBLE
    END;

-- A number of 1 or more.
CREATE OR REPLACE MACRO _pool_demand_from_one(x, argument) AS
    CASE
        WHEN _pool_unbound(x) THEN NULL
        WHEN x::DOUBLE < 1 OR isnan(x::DOUBLE)
            THEN error('The argument ' || argument || ' is ' || x::DOUBLE || ': it must be at least 1.')
        ELSE x::DOUBLE
    END;
