-- Precision and scale: division adds six digits to the numerator's scale (at most to twelve), casts round half away
-- from zero, sums and products are exact.
with amounts as (
    select column1 as id, column2::number(10, 2) as amount
    from values (1, 10.00), (2, 2.50), (3, -0.05), (4, null)
)

select
    id,
    amount / 3 as third,
    id / 7 as seventh,
    amount::int as whole,
    (amount * 0.125)::number(12, 4) as eighth,
    round(amount * 0.5, 1) as half_rounded,
    trunc(amount / 4, 1) as quarter_cut,
    mod(id - 3, 2) as remainder,
    div0(id, id - 2) as safe_quotient,
    nullifzero(id - 1) as not_zero,
    zeroifnull(amount) as filled,
    0.1 + 0.2 = 0.3 as is_exact,
    avg(id) over () as mean_id,
    sum(amount) over (order by id rows unbounded preceding) as running_amount,
    '12.345'::number(10, 2) as from_text,
    try_cast('123456' as number(5, 2)) as too_large,
    try_cast('1.005' as number(10, 2)) as half_up
from amounts
