"""Computes what the marts of examples/finance must hold for the fixtures, and writes marts.json.

Independent of what it checks: plain Python with `decimal` over tests/fixtures (the two real months and
kafka_500.jsonl). It reads no model, no seed but the two lists of facts (rates and regions), and uses no SQL engine.
The rules are written down again here from the project's documentation, in another form than the models have.

marts.json is a list of checks: `sql` is asked of the built project, `rows` is the answer as texts
(`null` stays null, decimals keep their digits, booleans are true/false), in order.

Write anew after a change of rules: python3 tests/expected/expected.py; with --check it only compares.
"""

import collections
import csv
import datetime as dt
import decimal
import json
import pathlib
import re
import sys

D = decimal.Decimal
HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
SEEDS = HERE.parent.parent / "examples" / "finance" / "seeds"
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def instant(text):
    """ISO-8601, without zone meant as UTC; the result has no zone and is UTC."""
    value = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return value.astimezone(dt.timezone.utc).replace(tzinfo=None) if value.tzinfo else value


def cents(value):
    """To two decimals, half away from zero."""
    return value.quantize(D("0.01"), rounding=decimal.ROUND_HALF_UP)


def text(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# --- what comes in -------------------------------------------------------------------------------------------------
batch = []
for path in sorted((FIXTURES / "incoming").glob("transactions_*.csv")):
    for line, row in enumerate(rows_of(path), start=2):
        batch.append(row | {"at": instant(row["timestamp"]), "amount": D(row["amount"]).quantize(D("0.01")),
                            "way": "batch", "origin": "batch_export", "type": "batch", "place": (path.name, line)})

profiles = []
for path in sorted((FIXTURES / "incoming").glob("user_registrations_*.csv")):
    year, month = map(int, re.search(r"_(\d{4})_(\d{2})\.csv", path.name).groups())
    for line, row in enumerate(rows_of(path), start=2):
        starts = max(instant(row["registration_date"]), dt.datetime(year, month, 1))
        profiles.append(row | {"starts": starts, "place": (path.name, line)})

NEEDED = ("tx_id", "user_id", "amount", "currency", "merchant", "category", "timestamp", "source_system", "transaction_type")


def accepted(line):
    """The message as a dict, or None when it breaks the contract."""
    try:
        message = json.loads(line, parse_float=D, parse_int=D)
        if not isinstance(message, dict) or any(message.get(key) in (None, "") for key in NEEDED):
            return None
        at = instant(message["timestamp"])
        amount = D(message["amount"]).quantize(D("0.01"))
    except (ValueError, decimal.InvalidOperation):
        return None
    good = (UUID.fullmatch(message["tx_id"]) and UUID.fullmatch(message["user_id"]) and abs(amount) <= 1_000_000
            and re.fullmatch("[A-Z]{3}", message["currency"]))
    if not good:
        return None
    return message | {"at": at, "amount": amount, "way": "streaming", "origin": message["source_system"],
                      "type": message["transaction_type"].strip().lower()}


lines = (FIXTURES / "kafka_500.jsonl").read_text(encoding="utf-8").splitlines()
stream = [message for message in map(accepted, lines) if message]

# --- one row per transaction ---------------------------------------------------------------------------------------
# A batch row beats a message; of several messages the latest holds. (The messages that share both tx_id and time are
# exact repeats, so which of them wins cannot be seen.)
winners = {}
for row in stream:
    held = winners.get(row["tx_id"])
    if held is None or row["at"] > held["at"]:
        winners[row["tx_id"]] = row
for row in batch:
    winners[row["tx_id"]] = row
transactions = list(winners.values())

# --- users ---------------------------------------------------------------------------------------------------------
TRACKED = ("first_name", "last_name", "email", "age", "income_bracket", "customer_tier", "risk_profile", "city", "state",
           "country", "registration_date", "preferred_categories", "is_active", "source_system")
history = collections.defaultdict(list)
for row in sorted(profiles, key=lambda row: (row["starts"], row["place"])):
    versions = history[row["user_id"]]
    if versions and versions[-1]["starts"] == row["starts"]:
        versions[-1] = row
    elif not versions or any(versions[-1][key] != row[key] for key in TRACKED):
        versions.append(row)
inferred = sorted({row["user_id"] for row in transactions} - set(history))


def tier(user, at):
    versions = history.get(user)
    if not versions:
        return "unknown"
    return ([v for v in versions if v["starts"] <= at] or versions[:1])[-1]["customer_tier"]


def age_group(age):
    bands = [(18, "under 18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64")]
    return next((name for limit, name in bands if int(age) < limit), "65+")


regions = {row["state"]: row["region"] for row in rows_of(SEEDS / "state_regions.csv")}
rates = {row["currency_code"]: D(row["usd_rate"]) for row in rows_of(SEEDS / "currencies.csv")}
groups = {row["category"]: row["category_group"] for row in rows_of(SEEDS / "category_groups.csv")}
holidays = {dt.date.fromisoformat(row["holiday_date"]) for row in rows_of(SEEDS / "bank_holidays.csv")}

# --- checks --------------------------------------------------------------------------------------------------------
checks = []


def check(name, sql, rows):
    checks.append({"name": name, "sql": sql, "rows": [[text(value) for value in row] for row in rows]})


def grouped(rows, key):
    """Sorted (key, rows) pairs."""
    result = collections.defaultdict(list)
    for row in rows:
        result[key(row)].append(row)
    return sorted(result.items())


def amounts(rows):
    values = [row["amount"] for row in rows]
    return len(values), sum(values), min(values), max(values)


for table, count in [("raw.transactions_batch", len(batch)), ("raw.users", len(profiles)),
                     ("raw.transactions_streaming", len(stream)),
                     ("quarantine.transactions_streaming", len(lines) - len(stream)),
                     ("staging.stg_transactions_unified", len(batch) + len(stream)),
                     ("intermediate.int_transactions", len(transactions))]:
    check(f"{table}: rows", f"select count(*) from {table}", [[count]])

FCT = "count(*), sum(amount), min(amount), max(amount) from marts.fct_transactions"
check("fct_transactions: by source and currency",
      f"select source_system, currency_code, {FCT} group by 1, 2 order by 1, 2",
      [(*key, *amounts(rows)) for key, rows in grouped(transactions, lambda r: (r["way"], r["currency"]))])
check("fct_transactions: by type", f"select transaction_type, {FCT} group by 1 order by 1",
      [(key, *amounts(rows)) for key, rows in grouped(transactions, lambda r: r["type"])])
check("fct_transactions: by origin", f"select origin_system, {FCT} group by 1 order by 1",
      [(key, *amounts(rows)) for key, rows in grouped(transactions, lambda r: r["origin"])])
check("fct_transactions: by tier at the time", f"select customer_tier, {FCT} group by 1 order by 1",
      [(key, *amounts(rows)) for key, rows in grouped(transactions, lambda r: tier(r["user_id"], r["at"]))])
check("fct_transactions: by day", f"select cast(date_key as varchar), {FCT} group by 1 order by 1",
      [(key, *amounts(rows)) for key, rows in grouped(transactions, lambda r: r["at"].strftime("%Y%m%d"))])

daily = grouped(transactions, lambda r: (r["at"].date(), r["way"], r["category"].strip().lower(), r["currency"],
                                         tier(r["user_id"], r["at"])))
check("fct_daily_transactions: rows and sums",
      "select count(*), sum(transaction_count), sum(distinct_users), sum(refund_count), sum(total_amount), "
      "sum(refund_amount), sum(average_amount), sum(min_amount), sum(max_amount) from marts.fct_daily_transactions",
      [[len(daily), len(transactions), sum(len({r["user_id"] for r in rows}) for _, rows in daily),
        sum(r["amount"] < 0 for r in transactions), sum(r["amount"] for r in transactions),
        sum(r["amount"] for r in transactions if r["amount"] < 0),
        sum(cents(sum(r["amount"] for r in rows) / len(rows)) for _, rows in daily),
        sum(min(r["amount"] for r in rows) for _, rows in daily), sum(max(r["amount"] for r in rows) for _, rows in daily)]])
check("fct_daily_transactions: by category, currency and tier",
      "select category, currency_code, customer_tier, count(*), sum(transaction_count), sum(total_amount) "
      "from marts.fct_daily_transactions group by 1, 2, 3 order by 1, 2, 3",
      [(*key, len(rows), sum(len(r) for _, r in rows), sum(t["amount"] for _, r in rows for t in r))
       for key, rows in grouped(daily, lambda item: item[0][2:])])

monthly = grouped(transactions, lambda r: (r["user_id"], r["at"].date().replace(day=1)))


def usd(rows):
    return cents(sum((r["amount"] * rates[r["currency"]] for r in rows if r["currency"] in rates), D(0)))


by_month = grouped(monthly, lambda item: str(item[0][1]))
check("fct_user_metrics: by month",
      "select cast(month_start as varchar), count(*), sum(transaction_count), sum(batch_count), sum(streaming_count), "
      "sum(refund_count), sum(unconverted_count), sum(currency_count), "
      "sum(case when uses_both_sources then 1 else 0 end), sum(total_amount_usd), sum(batch_amount_usd), "
      "sum(streaming_amount_usd), sum(refund_amount_usd) from marts.fct_user_metrics group by 1 order by 1",
      [(month, len(cells), sum(len(r) for _, r in cells),
        sum(t["way"] == "batch" for _, r in cells for t in r), sum(t["way"] == "streaming" for _, r in cells for t in r),
        sum(t["amount"] < 0 for _, r in cells for t in r), sum(t["currency"] not in rates for _, r in cells for t in r),
        sum(len({t["currency"] for t in r}) for _, r in cells), sum(len({t["way"] for t in r}) == 2 for _, r in cells),
        sum(usd(r) for _, r in cells), sum(usd([t for t in r if t["way"] == "batch"]) for _, r in cells),
        sum(usd([t for t in r if t["way"] == "streaming"]) for _, r in cells),
        sum(usd([t for t in r if t["amount"] < 0]) for _, r in cells)) for month, cells in by_month])
best = sorted(monthly, key=lambda item: (-usd(item[1]), item[0]))[:10]
check("fct_user_metrics: the ten best months of users",
      "select u.user_id, cast(m.month_start as varchar), m.customer_tier, m.transaction_count, m.total_amount_usd "
      "from marts.fct_user_metrics m join marts.dim_users u on m.user_key = u.user_key "
      "order by m.total_amount_usd desc, u.user_id limit 10",
      [(user, month, tier(user, max(r["at"] for r in rows)), len(rows), usd(rows)) for (user, month), rows in best])
metrics = grouped(transactions, lambda r: (r["user_id"], r["at"].month, r["way"], r["currency"]))
check("int_transactions_metrics: rows", "select count(*), sum(transaction_count) from intermediate.int_transactions_metrics",
      [[len(metrics), len(transactions)]])

current = {user: versions[-1] for user, versions in history.items()}
check("dim_users: rows and inferred members",
      "select count(*), sum(case when is_inferred then 1 else 0 end), sum(age) from marts.dim_users",
      [[len(current) + len(inferred), len(inferred), sum(int(u["age"]) for u in current.values())]])
for column, value in [("customer_tier", lambda u: u["customer_tier"]), ("age_group", lambda u: age_group(u["age"])),
                      ("region", lambda u: regions.get(u["state"], "Other"))]:
    counted = collections.Counter(map(value, current.values())) + collections.Counter({"unknown": len(inferred)})
    check(f"dim_users: by {column}", f"select {column}, count(*) from marts.dim_users group by 1 order by 1", sorted(counted.items()))
check("dim_users: the inferred members", "select user_id from marts.dim_users where is_inferred order by 1", [[u] for u in inferred])
versions = sum(map(len, history.values()))
check("dim_users_scd2: rows, current rows, users",
      "select count(*), sum(case when is_current then 1 else 0 end), count(distinct user_id) from marts.dim_users_scd2",
      [[versions + len(inferred)] + [len(history) + len(inferred)] * 2])
check("snap_users: rows, open rows",
      "select count(*), sum(case when dbt_valid_to is null then 1 else 0 end) from snapshots.snap_users", [[len(history)] * 2])

shops = grouped(transactions, lambda r: r["merchant"].strip())
check("dim_merchants: rows, seen in batch, seen in streaming",
      "select count(*), sum(case when seen_in_batch then 1 else 0 end), sum(case when seen_in_streaming then 1 else 0 end) "
      "from marts.dim_merchants",
      [[len(shops)] + [sum(any(r["way"] == way for r in rows) for _, rows in shops) for way in ("batch", "streaming")]])
unmapped = sorted({r["category"].strip().lower() for r in transactions} - set(groups))
check("dim_categories: rows", "select count(*) from marts.dim_categories", [[len(groups) + len(unmapped)]])
check("dim_categories: unmapped", "select category, category_group from marts.dim_categories where not is_mapped order by 1",
      [[name, "Unmapped"] for name in unmapped])
strange = sorted({r["currency"] for r in transactions} - set(rates))
check("dim_currencies: rows", "select count(*) from marts.dim_currencies", [[len(rates) + len(strange)]])
check("dim_currencies: unknown", "select currency_code, usd_rate from marts.dim_currencies where not is_known order by 1",
      [[code, None] for code in strange])

first, last = min(r["at"].year for r in transactions), max(r["at"].year for r in transactions)
days = [dt.date(first, 1, 1) + dt.timedelta(n) for n in range((dt.date(last + 1, 1, 1) - dt.date(first, 1, 1)).days)]
check("dim_dates: days, weekend days, business days, holidays",
      "select count(*), sum(case when is_weekend then 1 else 0 end), sum(case when is_business_day then 1 else 0 end), "
      "count(holiday_name) from marts.dim_dates",
      [[len(days), sum(d.weekday() > 4 for d in days), sum(d.weekday() < 5 and d not in holidays for d in days),
        sum(d in holidays for d in days)]])
check("dim_dates: by fiscal quarter",
      "select fiscal_year, fiscal_quarter, count(*), min(fiscal_month), max(fiscal_month) from marts.dim_dates "
      "group by 1, 2 order by 1, 2",
      [(*key, len(rows), key[1] * 3 - 2, key[1] * 3)
       for key, rows in grouped(days, lambda d: (d.year + (d.month >= 7), (d.month - 7) % 12 // 3 + 1))])
check("dim_dates: ISO weeks at the edges of the first year",
      f"select cast(date_key as varchar), iso_week, day_name from marts.dim_dates where date_key in ({first}0101, {first}1231) order by 1",
      [(d.strftime("%Y%m%d"), d.isocalendar().week, d.strftime("%A")) for d in (dt.date(first, 1, 1), dt.date(first, 12, 31))])

def one(entry):
    """One check as JSON, a row of the answer to a line."""
    rows = ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in entry["rows"])
    return f'  {{\n   "name": {json.dumps(entry["name"])},\n   "sql": {json.dumps(entry["sql"])},\n   "rows": [\n    {rows}\n   ]\n  }}'


result = "[\n" + ",\n".join(map(one, checks)) + "\n]\n"
target = HERE / "marts.json"
if "--check" in sys.argv:
    sys.exit(0 if target.read_text(encoding="utf-8") == result else "marts.json is not what the fixtures say")
target.write_text(result, encoding="utf-8")
