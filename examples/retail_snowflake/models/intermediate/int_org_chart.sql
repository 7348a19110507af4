with recursive chart as (
    select employee_id, full_name, manager_id, 0 as depth, full_name as reporting_line
    from {{ ref('stg_employees') }}
    where manager_id is null

    union all

    select e.employee_id, e.full_name, e.manager_id, c.depth + 1, c.reporting_line || ' / ' || e.full_name
    from {{ ref('stg_employees') }} e
    join chart c on c.employee_id = e.manager_id
)

select * from chart
