"""One spelling for a value, whichever side it comes from, so that rows can be compared as texts.

Numbers lose trailing zeros (floats keep twelve digits), instants are `YYYY-MM-DD HH:MM:SS[.ffffff]`, JSON documents
have sorted keys and no blanks, null is None.
"""

import decimal
import json
import re

INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?")


def number(value):
    value = decimal.Decimal(value) if not isinstance(value, float) else decimal.Decimal(f"{value:.12g}")
    if value == 0:
        return "0"
    return format(value.normalize(), "f")


def document(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{document(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(document(element) for element in value) + "]"
    if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def text(value):
    """The spelling of one value; None for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict) and list(value) == ["decimal"]:
        return number(value["decimal"])
    if isinstance(value, (int, float, decimal.Decimal)):
        return number(value)
    if isinstance(value, (dict, list)):
        return document(value)
    if INSTANT.fullmatch(value):
        whole, _, fraction = value.replace("T", " ").partition(".")
        fraction = fraction.rstrip("0")
        return f"{whole}.{fraction}" if fraction else whole
    if value[:1] in ("{", "["):
        try:
            return document(json.loads(value, parse_float=decimal.Decimal))
        except json.JSONDecodeError:
            return value
    return value


def rows(table, left_out=(), only_whether_null=()):
    """Column names in lower case, and the rows of {"columns", "rows"}, spelled."""
    names = [name.lower() for name in table["columns"]]
    kept = [i for i, name in enumerate(names) if name not in left_out]
    spelled = []
    for row in table["rows"]:
        values = [text(row[i]) for i in kept]
        for place, i in enumerate(kept):
            if names[i] in only_whether_null:
                values[place] = None if row[i] is None else "set"
        spelled.append(tuple(values))
    return [names[i] for i in kept], spelled
