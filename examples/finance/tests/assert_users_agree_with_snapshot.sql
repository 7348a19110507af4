-- What dim_users says of a user with a profile is what the snapshot's open row says.
{% set attributes = profile_columns() -%}
select coalesce(users.user_id, open_rows.user_id) as user_id
from (select * from {{ ref('dim_users') }} where not is_inferred) as users
full outer join (select * from {{ ref('snap_users') }} where dbt_valid_to is null) as open_rows
    on users.user_id = open_rows.user_id
where
    users.user_id is null
    or open_rows.user_id is null
    {%- for attribute in attributes %}
    or (users.{{ attribute }} is distinct from open_rows.{{ attribute }})
    {%- endfor %}
