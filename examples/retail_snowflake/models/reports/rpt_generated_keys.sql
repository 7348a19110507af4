select
    seq4() as n,
    'K' || lpad(n::string, 4, '0') as padded_key,
    mod(n, 3) as bucket,
    dateadd('week', n, '2024-12-30'::date) as week_start,
    md5(padded_key) as hashed
from table(generator(rowcount => 10))
