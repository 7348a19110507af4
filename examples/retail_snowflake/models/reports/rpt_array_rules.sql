-- Arrays of unlike values, and what asks about them.
with lists as (
    select column1 as id, split(column2, ',') as parts, array_construct(column1, column2, true) as mixed
    from values (1, 'a,b,c'), (2, 'z'), (3, '')
)

select
    id,
    array_size(parts) as part_count,
    array_to_string(parts, '+') as joined,
    array_contains('b'::variant, parts) as has_b,
    parts[1]::string as second_part,
    array_size(mixed) as mixed_size,
    mixed[0]::int + 1 as next_id,
    mixed[9] is null as tenth_is_null,
    typeof(mixed[2]) as type_of_third,
    to_json(mixed) as mixed_text
from lists
