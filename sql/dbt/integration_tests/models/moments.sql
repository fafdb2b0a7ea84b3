-- One state per month and school. A run reads the last stored month again, for late rows, and the months after it.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='month') }}
{% set is_new = 'month >= (SELECT max(month) FROM ' ~ this ~ ')' %}
{{ polars_pool.moments(ref('scores'), 'score', ['month', 'school'], where=is_new if is_incremental()) }}
