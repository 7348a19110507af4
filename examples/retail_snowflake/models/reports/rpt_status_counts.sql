-- The columns that a pivot without column aliases has are called 'placed', with the quotes, as in Snowflake.
select
    channel,
    "'placed'" as placed,
    "'completed'" as completed,
    "'cancelled'" as cancelled
from (select channel, status, order_id from {{ ref('fct_orders') }})
    pivot (count(order_id) for status in ('placed', 'completed', 'cancelled'))
