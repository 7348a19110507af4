{# One key out of several columns: the md5 of their texts with '-' between them. Nulls and empty texts differ, unless
   the variable surrogate_key_treat_nulls_as_empty_strings says that they do not. #}

{% macro generate_surrogate_key(field_list) -%}
    {{ return(adapter.dispatch('generate_surrogate_key', 'dbt_utils')(field_list)) }}
{%- endmacro %}

{% macro default__generate_surrogate_key(field_list) -%}
    {%- set null_text = '' if var('surrogate_key_treat_nulls_as_empty_strings', false) else '_dbt_utils_surrogate_key_null_' -%}
    {%- set parts = [] -%}
    {%- for field in field_list -%}
        {%- do parts.append("coalesce(cast(" ~ field ~ " as " ~ dbt.type_string() ~ "), '" ~ null_text ~ "')") -%}
        {%- if not loop.last -%}
            {%- do parts.append("'-'") -%}
        {%- endif -%}
    {%- endfor -%}
    {{ dbt.hash(dbt.concat(parts)) }}
{%- endmacro %}

{# The old name of the macro, which treated nulls and empty texts alike. #}
{% macro surrogate_key(field_list) -%}
    {{ exceptions.raise_compiler_error("dbt_utils.surrogate_key has gone: use dbt_utils.generate_surrogate_key, which tells nulls from empty texts; set the variable surrogate_key_treat_nulls_as_empty_strings to true to keep the old keys") }}
{%- endmacro %}
