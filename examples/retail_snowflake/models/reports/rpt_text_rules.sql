with texts as (
    select column1 as id, column2 as s
    from values (1, 'alpha-beta-gamma'), (2, 'Alpha'), (3, 'x-100%_off'), (4, ''), (5, null)
)

select
    id,
    split_part(s, '-', 1) as first_part,
    split_part(s, '-', -1) as last_part,
    split_part(s, '-', 9) as ninth_part,
    s ilike any ('alpha', '%\\%%') as likes_any,
    s like 'A%' as starts_with_capital,
    s ilike '%100!%!_off' escape '!' as likes_escaped,
    regexp_like(s, 'alpha') as is_all_of,
    regexp_like(s, 'alpha.*', 'i') as begins_so,
    regexp_replace(s, '([a-z]+)-([a-z]+)', '\\2-\\1') as swapped,
    regexp_substr(s, '[a-z]+', 1, 2) as second_word,
    regexp_count(s, '[aeiou]') as vowels,
    regexp_instr(s, '-') as first_dash,
    substr(s, -3) as tail,
    initcap(s) as capitals,
    s || '!' as shout,
    concat_ws('/', s, 'z') as joined,
    decode(s, '', 'empty', null, 'none', 'text') as kind,
    position('a', s) as first_a,
    length(s) as letters,
    lpad(id::string, 3, '0') as padded,
    nvl(nullif(s, ''), 'blank') as shown,
    array_size(split(s, '-')) as part_count
from texts
