-- The incremental table holds the last version of each order, however often it was merged.
select order_id, status, updated_at from {{ ref('stg_orders') }}
minus
select order_id, status, updated_at from {{ ref('fct_orders') }}
