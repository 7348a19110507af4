-- Months, categories and currencies that transactions name: few rows, from which the small dimensions are made.
select distinct
    cast({{ dbt.date_trunc('month', 'occurred_at') }} as date) as month_start,
    category,
    currency
from {{ ref('int_transactions') }}
