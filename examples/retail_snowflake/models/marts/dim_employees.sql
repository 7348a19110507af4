select
    c.*,
    e.monthly_salary,
    m.full_name as manager_name,
    e.salary > avg(e.salary) over (partition by c.depth) as earns_above_level
from {{ ref('int_org_chart') }} c
join {{ ref('stg_employees') }} e using (employee_id)
left join {{ ref('stg_employees') }} m on m.employee_id = c.manager_id
