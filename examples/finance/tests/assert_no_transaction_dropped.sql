-- Every transaction of the intermediate layer is in the fact once: a join that drops rows or doubles them shows here.
select intermediate.n as intermediate_rows, fact.n as fact_rows
from (select count(*) as n, sum(amount) as amount from {{ ref('int_transactions') }}) as intermediate
cross join (select count(*) as n, sum(amount) as amount from {{ ref('fct_transactions') }}) as fact
where intermediate.n <> fact.n or (intermediate.amount is distinct from fact.amount)
