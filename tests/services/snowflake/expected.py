"""Expected rows of the models that fakesnow cannot run, or runs otherwise than Snowflake documents.

expected.py OUT_DIR [AS_OF]    writes OUT_DIR/<schema>.<name>.json in the form of peer.py, as of a day (default: all)

Literals are worked out by hand from Snowflake's documentation (the page is named beside each); what depends on the seeds
is derived from them in plain Python. No model's SQL is read.
"""

import csv
import json
import pathlib
import re
import sys

AS_OF = sys.argv[2] if len(sys.argv) > 2 else "9999-12-31"
SEEDS = pathlib.Path(__file__).resolve().parents[3] / "examples/retail_snowflake/seeds"


def seed(name):
    with (SEEDS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def typed(value):
    """Texts of digits are numbers: no text column of these models holds one."""
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return {"decimal": value}
    return value


def number_rules():
    """Arithmetic operations: the quotient's scale is max(s, min(s + 6, 12)), s being the numerator's; conversions
    round half away from zero (Numeric data types); div0, nullifzero, zeroifnull: their pages."""
    columns = "id third seventh whole eighth half_rounded quarter_cut remainder safe_quotient not_zero filled is_exact mean_id running_amount from_text too_large half_up"
    same = ["12.35", None, "1.01"]
    return columns, [
        ["1", "3.33333333", "0.142857", "10", "1.25", "5.0", "2.5", "0", "-1", None, "10", True, "2.5", "10", *same],
        ["2", "0.83333333", "0.285714", "3", "0.3125", "1.3", "0.6", "-1", "0", "1", "2.5", True, "2.5", "12.5", *same],
        ["3", "-0.01666667", "0.428571", "0", "-0.0063", "0", "0", "0", "3", "2", "-0.05", True, "2.5", "12.45", *same],
        ["4", None, "0.571429", None, None, None, None, "1", "2", "3", "0", True, "2.5", "12.45", *same],
    ]


def variant_rules():
    """Querying semi-structured data (paths are case-sensitive, JSON null against SQL null), typeof, is_null_value,
    array_size (null for what is no array), get and get_path: their pages."""
    columns = "id exact_case other_case second_element nested_flag by_path by_brackets f_number n_is_sql_null n_is_json_null n_as_text_is_null missing_is_null type_of_document type_of_t t_number elements second_item broken_is_null"
    return columns, [
        ["1", "x", None, "20", True, "10", "10", "1.5", False, True, True, True, "OBJECT", "VARCHAR", "5", None, None, True],
        ["2", None, "y", None, None, None, None, "2", True, None, True, True, "OBJECT", "VARCHAR", None, None, None, True],
        ["3", None, None, None, None, None, None, None, True, None, True, True, "ARRAY", None, None, "3", "two", True],
        ["4", None, None, None, None, None, None, None, True, None, True, True, None, None, None, None, None, True],
    ]


def array_rules():
    """split of '' is one empty element; an element past the end is null; array_construct, array_contains,
    array_to_string, typeof, to_json: their pages."""
    columns = "id part_count joined has_b second_part mixed_size next_id tenth_is_null type_of_third mixed_text"
    return columns, [
        ["1", "3", "a+b+c", True, "b", "3", "2", True, "BOOLEAN", '[1,"a,b,c",true]'],
        ["2", "1", "z", False, None, "3", "3", True, "BOOLEAN", '[2,"z",true]'],
        ["3", "1", "", False, None, "3", "4", True, "BOOLEAN", '[3,"",true]'],
    ]


def variant_building():
    """object_construct leaves out pairs with a null value, object_construct_keep_null does not; array_agg omits nulls."""
    columns = "customer_id loyalty_tier facts facts_with_nulls list one_more has_no_referrer third_in_list list_size all_tiers"
    customers = [row for row in seed("raw_customers") if int(row["customer_id"]) <= 5]
    read = []
    for row in customers:
        attributes = json.loads(row["attributes"])
        name = f"{row['first_name'].capitalize()} {row['last_name']}"
        mail = row["email"].strip().lower() or "none"
        referrer = attributes.get("Referrer", {}).get("customer_id")
        read.append((int(row["customer_id"]), name, mail, referrer, attributes["loyalty"]["tier"]))
    tiers = [tier for _, _, _, _, tier in sorted(read, reverse=True) if tier is not None]
    rows = []
    for number, name, mail, referrer, tier in read:
        facts = {"id": number, "mail": mail} | ({} if referrer is None else {"by": referrer})
        keeping = {"id": number, "referrer": referrer}
        listed = [name, tier or "none", "x"]
        rows.append([str(number), tier, json.dumps(facts), json.dumps(keeping), json.dumps(listed), str(number + 1), referrer is None, "x", "3", json.dumps(tiers)])
    return columns, rows


def flatten_outer():
    """flatten: with OUTER => TRUE a row without elements gives one row, key, index and value null, the path empty."""
    rows = []
    for row in seed("raw_subscriptions"):
        if row["started_on"] > AS_OF:
            continue
        features = json.loads(row["settings"])["features"]
        count = str(len(features))
        rows += [[row["subscription_id"], count, str(i), f, f"[{i}]"] for i, f in enumerate(features)]
        if not features:
            rows.append([row["subscription_id"], count, None, None, ""])
    return "subscription_id feature_count feature_index feature feature_path", rows


def tag_words():
    """split_to_table: the index starts with 1; the value is text."""
    rows = []
    for row in seed("raw_support_tickets"):
        if row["tags"]:
            rows += [[row["ticket_id"], str(i), tag] for i, tag in enumerate(row["tags"].split(";"), 1)]
    return "ticket_id word_index word", rows


MODELS = {
    "reports.rpt_number_rules": number_rules,
    "reports.rpt_variant_rules": variant_rules,
    "reports.rpt_array_rules": array_rules,
    "reports.rpt_variant_building": variant_building,
    "reports.rpt_flatten_outer": flatten_outer,
    "reports.rpt_tag_words": tag_words,
}


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, rows_of in MODELS.items():
        columns, rows = rows_of()
        rows = [[typed(value) for value in row] for row in rows]
        (out / f"{name}.json").write_text(json.dumps({"columns": columns.split(), "rows": rows}))


if __name__ == "__main__":
    main()
