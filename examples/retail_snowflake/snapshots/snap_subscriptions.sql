{% snapshot snap_subscriptions %}
{{ config(unique_key='subscription_id', strategy='check', check_cols=['ended_on', 'monthly_fee']) }}

select subscription_id, customer_id, plan_code, started_on, ended_on, monthly_fee
from {{ ref('stg_subscriptions') }}
{% endsnapshot %}
