select
    subscription_id,
    customer_id,
    plan_code,
    started_on,
    iff(ended_on > to_date('{{ var("as_of")[:10] }}'), null, ended_on) as ended_on,
    monthly_fee,
    parse_json(settings) as settings_json,
    settings_json:seats::int as seats,
    settings_json:Trial::boolean as is_trial,
    settings_json:features[0]::string as first_feature,
    array_size(settings_json:features) as feature_count
from {{ ref('raw_subscriptions') }}
where started_on <= to_date('{{ var("as_of")[:10] }}')
