{#-
  Mean of decimal amounts, rounded half away from zero to two decimals, without a float on the way.
  `total` is a decimal(18,2) sum and `rows` how many rows it sums (never zero).
  Dispatched because `/` on decimals is exact to more than two digits in most engines but a float in DuckDB.
-#}
{% macro average_amount(total, rows) -%}
    {{ return(adapter.dispatch('average_amount', 'finance')(total, rows)) }}
{%- endmacro %}

{% macro default__average_amount(total, rows) -%}
    cast({{ total }} / {{ rows }} as decimal(18,2))
{%- endmacro %}

{% macro duckdb__average_amount(total, rows) -%}
    {%- set cents -%} cast(cast({{ total }} as decimal(18,2)) * 100 as hugeint) {%- endset -%}
    cast(
        cast(sign({{ cents }}) * ((2 * abs({{ cents }}) + {{ rows }}) // (2 * {{ rows }})) as decimal(18,0))
        * cast('0.01' as decimal(3,2))
    as decimal(18,2))
{%- endmacro %}
