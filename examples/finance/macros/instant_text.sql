{#-
  An instant as `YYYY-MM-DD HH:MM:SS`, the same text on every engine: engines differ in the separator and in
  the digits after the second when they cast a timestamp to text, and keys are hashes of text.
-#}
{% macro instant_text(instant) -%}
    replace(substring(cast({{ instant }} as {{ dbt.type_string() }}), 1, 19), 'T', ' ')
{%- endmacro %}
