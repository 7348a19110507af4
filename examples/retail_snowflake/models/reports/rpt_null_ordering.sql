with readings as (
    select column1 as id, column2 as reading
    from values (1, 3), (2, null), (3, 1), (4, null), (5, 2)
)

select
    id,
    reading,
    row_number() over (order by reading, id) as ascending,
    row_number() over (order by reading desc, id) as descending,
    row_number() over (order by reading nulls first, id) as ascending_nulls_first,
    row_number() over (order by reading desc nulls last, id) as descending_nulls_last,
    first_value(reading) over (order by reading desc, id) as first_descending,
    last_value(reading) over (order by id rows between unbounded preceding and unbounded following) as last_reading,
    lag(reading) ignore nulls over (order by id) as last_known,
    greatest(reading, 2) as at_least_two,
    reading = null as equals_null,
    equal_null(reading, null) as is_same_as_null
from readings
