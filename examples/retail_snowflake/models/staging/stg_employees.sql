select
    employee_id,
    full_name,
    manager_id,
    store_id,
    hired_on,
    salary,
    (salary / 12)::number(12, 2) as monthly_salary,
    monthname(hired_on) as hired_month,
    dayname(hired_on) as hired_day
from {{ ref('raw_employees') }}
