{#- The model has as many rows as another relation. -#}
{% test rows_of(model, other) %}
select * from (
    select (select count(*) from {{ model }}) as own_rows, (select count(*) from {{ other }}) as other_rows
) where own_rows <> other_rows
{% endtest %}
