{#-
    One column or expression as it is. A text with a comma outside of quotes and brackets stands for several, which need
    a list: DuckDB would read the second one as the next argument.
-#}
{% macro one_column(text) -%}
    {%- set outside = namespace(text=modules.re.sub("'[^']*'" ~ '|"[^"]*"', 'x', text)) -%}
    {%- for depth in range(20) -%}
        {%- set outside.text = modules.re.sub('[(][^()]*[)]|\\[[^][]*\\]|[{][^{}]*[}]', 'x', outside.text) -%}
    {%- endfor -%}
    {%- if ',' in outside.text -%}
        {%- set names = [] -%}
        {%- for name in text.split(',') %}{% do names.append("'" ~ name.strip() ~ "'") %}{% endfor -%}
        {{ exceptions.raise_compiler_error(
            "polars_pool: '" ~ text ~ "' is one text with several columns; give a list of names, [" ~ names | join(', ') ~ "]"
        ) }}
    {%- endif -%}
    {{ text }}
{%- endmacro %}
