{# Sums and quotients in which a null is nothing rather than the end of it all. #}

{% macro safe_add(field_list) -%}
    {{ return(adapter.dispatch('safe_add', 'dbt_utils')(field_list)) }}
{%- endmacro %}

{% macro default__safe_add(field_list) -%}
    {%- if field_list is string or field_list is not iterable -%}
        {{ exceptions.raise_compiler_error("safe_add takes a list of columns, not '" ~ field_list ~ "'") }}
    {%- endif -%}
    {%- for field in field_list -%}
        coalesce({{ field }}, 0){{ ' +\n  ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro safe_subtract(field_list) -%}
    {{ return(adapter.dispatch('safe_subtract', 'dbt_utils')(field_list)) }}
{%- endmacro %}

{% macro default__safe_subtract(field_list) -%}
    {%- if field_list is string or field_list is not iterable -%}
        {{ exceptions.raise_compiler_error("safe_subtract takes a list of columns, not '" ~ field_list ~ "'") }}
    {%- endif -%}
    {%- for field in field_list -%}
        coalesce({{ field }}, 0){{ ' -\n  ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro safe_divide(numerator, denominator) -%}
    {{ return(adapter.dispatch('safe_divide', 'dbt_utils')(numerator, denominator)) }}
{%- endmacro %}

{% macro default__safe_divide(numerator, denominator) -%}
    ( {{ numerator }} ) / nullif( ( {{ denominator }} ), 0)
{%- endmacro %}

{# Kilometres or miles between two points on the globe. #}
{% macro haversine_distance(lat1, lon1, lat2, lon2, unit='mi') -%}
    {{ return(adapter.dispatch('haversine_distance', 'dbt_utils')(lat1, lon1, lat2, lon2, unit)) }}
{%- endmacro %}

{% macro default__haversine_distance(lat1, lon1, lat2, lon2, unit='mi') -%}
    {%- if unit not in ('mi', 'km') -%}
        {{ exceptions.raise_compiler_error("unit must be one of 'mi' or 'km', not '" ~ unit ~ "'") }}
    {%- endif -%}
    2 * {{ 6371 if unit == 'km' else 3961 }} * asin(sqrt(
        power(sin(radians({{ lat2 }} - {{ lat1 }}) / 2), 2)
        + cos(radians({{ lat1 }})) * cos(radians({{ lat2 }})) * power(sin(radians({{ lon2 }} - {{ lon1 }}) / 2), 2)
    ))
{%- endmacro %}

{# The number of the equal part of min … max in which the value lies; 0 below, parts + 1 above. #}
{% macro width_bucket(expr, min_value, max_value, num_buckets) -%}
    {{ return(adapter.dispatch('width_bucket', 'dbt_utils')(expr, min_value, max_value, num_buckets)) }}
{%- endmacro %}

{% macro default__width_bucket(expr, min_value, max_value, num_buckets) -%}
    cast(case
        when ({{ expr }}) < ({{ min_value }}) then 0
        when ({{ expr }}) >= ({{ max_value }}) then ({{ num_buckets }}) + 1
        else floor((({{ expr }}) - ({{ min_value }})) * 1.0 * ({{ num_buckets }}) / (({{ max_value }}) - ({{ min_value }}))) + 1
    end as int)
{%- endmacro %}
