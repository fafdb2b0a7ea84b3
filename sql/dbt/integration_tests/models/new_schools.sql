{{ config(materialized='ephemeral') }}
SELECT unnest(['Oak', 'Fir']) AS school
