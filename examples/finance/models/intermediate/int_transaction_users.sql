-- Every user who has a transaction. Apart from the transactions, so that what reads it has nothing to do as long as no
-- new user comes.
select distinct user_id
from {{ ref('int_transactions') }}
