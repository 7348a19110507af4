-- depends_on: {{ ref('fct_refunds') }}
-- Names are in upper case there, as in Snowflake.
select lower(table_name) as table_name, lower(column_name) as column_name, ordinal_position
from {{ ref('fct_refunds').database }}.information_schema.columns
where table_schema = upper('{{ ref('fct_refunds').schema }}') and table_name = 'FCT_REFUNDS'
