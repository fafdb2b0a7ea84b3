{#-
    A query that calls a table macro of polars-pool on a relation.

    A CTE names the relation. So a view of a macro can be the input of the same macro, which DuckDB 2 does not allow
    without a CTE, and ephemeral models, external sources and files work like tables. DuckDB reads the relation where
    it is: NOT MATERIALIZED keeps no copy of the rows in memory.

    name: the macro without the prefix pool_.
    relation: a ref, a source, the name of a CTE, or the path of files.
    columns: the positional arguments after the table.
    options: the named arguments, and where: a condition on the rows of the relation.
-#}
{% macro call_macro(name, relation, columns, options) -%}
    {%- set ctes = {'__pool_rows': polars_pool.as_relation(relation)} -%}
    {%- if options.get('where') -%}
        {%- do ctes.update({'__pool_rows': ctes['__pool_rows'] ~ ' WHERE ' ~ options['where']}) -%}
    {%- endif -%}
    {%- set arguments = ['__pool_rows'] -%}
    {%- for column in columns -%}
        {%- do arguments.append(polars_pool.as_columns(column)) -%}
    {%- endfor -%}
    {%- for option, value in options.items() if option != 'where' and value is not none -%}
        {%- if option == 'groups' and value is not boolean -%}
            {%- do ctes.update({'__pool_groups': polars_pool.as_relation(value)}) -%}
            {%- do arguments.append("groups := '__pool_groups'") -%}
        {%- elif option in ['over', 'n', 'var', 'se', 'weights'] -%}
            {%- do arguments.append(option ~ ' := ' ~ polars_pool.as_columns(value)) -%}
        {%- else -%}
            {%- do arguments.append('"' ~ option ~ '" := ' ~ polars_pool.as_literal(value)) -%}
        {%- endif -%}
    {%- endfor -%}
WITH {% for cte, query in ctes.items() -%}
    {{ cte }} AS NOT MATERIALIZED (FROM {{ query }}){{ ',\n' if not loop.last }}
{%- endfor %}
SELECT * FROM pool_{{ name }}({{ arguments | join(', ') }})
{%- endmacro %}
