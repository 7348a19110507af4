select * from {{ ref('rpt_relation_facts') }}
where dialect <> 'snowflake' or target_type <> 'snowflake'
