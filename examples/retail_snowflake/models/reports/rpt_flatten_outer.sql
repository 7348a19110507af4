-- `outer => true` keeps the rows without elements; `recursive` is not used.
select
    s.subscription_id,
    s.feature_count,
    f.index as feature_index,
    f.value::string as feature,
    f.path as feature_path
from {{ ref('stg_subscriptions') }} s,
    lateral flatten(input => s.settings_json:features, outer => true) f
