-- Written by a pre-hook's and a post-hook's statements as well: a merge into a table of our own.
{{ config(
    pre_hook="create or replace transient table {{ target.schema }}.price_book as select product_id, list_price, 'list' as origin from {{ ref('stg_products') }}",
    post_hook=[
        "merge into {{ target.schema }}.price_book as b using {{ ref('int_current_prices') }} as c on b.product_id = c.product_id when matched and b.list_price <> c.list_price then update set list_price = c.list_price, origin = 'change' when not matched then insert (product_id, list_price, origin) values (c.product_id, c.list_price, 'new')",
        "create or replace view {{ target.schema }}.price_book_changes as select product_id, list_price from {{ target.schema }}.price_book where origin = 'change'",
    ],
) }}

select product_id, list_price, first_price, list_price <> first_price as has_changed
from {{ ref('int_current_prices') }}
