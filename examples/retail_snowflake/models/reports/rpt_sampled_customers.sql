-- 100 per cent of the rows: sampling syntax with a result that can be tested.
select count(*) as sampled, count(distinct customer_id) as customers
from {{ ref('dim_customers') }} sample (100)
union all
select count(*), count(distinct customer_id)
from {{ ref('dim_customers') }} tablesample bernoulli (100)
union all
select count(*), count(distinct customer_id)
from {{ ref('dim_customers') }} sample (0)
