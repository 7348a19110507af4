"""Writes the seeds of examples/retail_snowflake. Arithmetic only, no randomness: two runs write the same bytes.

make_seeds.py [--check]    --check: exit code 1 if a committed seed is not what this writes
"""

import csv
import io
import json
import pathlib
import sys
from datetime import date, datetime, timedelta

SEEDS = pathlib.Path(__file__).resolve().parents[3] / "examples/retail_snowflake/seeds"
START = datetime(2024, 10, 1)
COUNTRIES = [
    ("US", "United States", "USD", "Americas"),
    ("CA", "Canada", "CAD", "Americas"),
    ("GB", "United Kingdom", "GBP", "Europe"),
    ("DE", "Germany", "EUR", "Europe"),
    ("FR", "France", "EUR", "Europe"),
    ("JP", "Japan", "JPY", "Asia"),
]
FIRST = ["Ada", "Bjorn", "Chloe", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Keiko", "Liam", "Mona"]
LAST = ["Abbott", "Brandt", "Costa", "Duval", "Evans", "Fischer", "Garnier", "Hughes", "Ito", "Jensen", "Keller"]
CATEGORIES = [
    ("Apparel > T-Shirts", "APP-TSH"),
    ("Apparel > Jackets", "APP-JKT"),
    ("Home > Kitchen", "HOM-KIT"),
    ("Home > Lighting > Lamps", "HOM-LMP"),
    ("Outdoor > Camping", "OUT-CMP"),
    ("Outdoor", "OUT-GEN"),
]
COLORS = ["black", "white", "red", "navy", "olive"]


def mix(*numbers):
    """A small number that looks unordered and depends on the arguments alone."""
    value = 17
    for number in numbers:
        value = (value * value + value * 31 + number * 7919 + 11) % 10007
    return value


def text(value):
    """JSON as one line, keys in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def at(moment):
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def money(cents):
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def customers():
    yield ["customer_id", "first_name", "last_name", "email", "phone", "country_code", "signed_up_on", "birth_date", "attributes"]
    for n in range(1, 41):
        first, last = FIRST[n % len(FIRST)], LAST[(n * 3) % len(LAST)]
        attributes = {"loyalty": {"tier": ["bronze", "silver", "gold", None][n % 4], "points": mix(n) % 900}}
        attributes["channels"] = [c for i, c in enumerate(["email", "sms", "push"]) if (n >> i) & 1]
        if n % 5 == 0:
            attributes["Referrer"] = {"customer_id": n // 2, "campaign": "friends & family"}
        birth = date(1960 + mix(n, 2) % 45, 1 + mix(n, 3) % 12, 1 + mix(n, 4) % 28).isoformat()
        yield [
            n,
            first.upper() if n % 6 == 0 else first,
            last,
            "" if n % 13 == 0 else f" {first}.{last}{n}@{['Example.com', 'mail.example.org', 'shop.example'][n % 3]}",
            ["+1 (555) 010-%04d", "555.010.%04d", "ext 12, 0049-555-010%04d"][n % 3] % (mix(n, 5) % 10000),
            "XX" if n == 37 else COUNTRIES[mix(n) % len(COUNTRIES)][0],
            (date(2024, 6, 3) + timedelta(days=7 * n)).isoformat(),
            ["", "31/02/1990", birth, birth, birth][mix(n, 6) % 5],
            "" if n == 39 else text(attributes),
        ]


def stores():
    yield ["store_id", "store_name", "country_code", "opened_on", "square_meters", "opening_hours"]
    for n in range(1, 9):
        hours = {day: {"open": 8 + n % 3, "close": 18 + n % 4} for day in ["mon", "tue", "wed", "thu", "fri"]}
        if n % 2:
            hours["sat"] = {"open": 10, "close": 16}
        yield [n, f"Store {COUNTRIES[n % 6][1]} #{n}", COUNTRIES[n % 6][0], date(2018 + n % 5, n, 28).isoformat(),
               "" if n == 5 else 120 + 35 * n, text(hours)]


def products():
    yield ["product_id", "sku", "product_name", "category_path", "supplier_id", "list_price", "unit_cost", "weight", "attributes"]
    for n in range(1, 25):
        path, code = CATEGORIES[n % len(CATEGORIES)]
        price = 499 + mix(n, 1) % 9000
        attributes = {"colors": [COLORS[i] for i in range(5) if mix(n, i) % 3 == 0], "dims": {"w": n + 1, "h": n % 7 + 0.5}}
        if n % 4 == 0:
            attributes["tags"] = ["new", "sale"]
        if n % 6 == 5:
            attributes = {"colors": None, "eco": True}
        yield [n, f"{code}-{n:03d}-{'SML'[n % 3]}", f"{path.split(' > ')[-1].rstrip('s')} no. {n}", path, 1 + n % 5,
               money(price), money(price * (40 + n) // 100), ["0.250", "1.2kg", "3.75", "n/a"][n % 4], text(attributes)]


def suppliers():
    yield ["supplier_id", "supplier_name", "country_code", "lead_days", "contact"]
    for n, (name, lead) in enumerate([("Alpine Goods", 12), ("Blue Harbor", 30), ("Cedar & Co", ""), ("Delta_Works", 7), ("100% Linen", 21)], 1):
        yield [n, name, COUNTRIES[(n * 2) % 6][0], lead, f"Sales: sales{n}@supplier.example; Support: help@supplier{n}.example"]


def order_rows():
    for n in range(1, 121):
        ordered = START + timedelta(days=mix(n, 8) % 182, hours=mix(n, 9) % 24, minutes=mix(n, 10) % 60, seconds=n % 60)
        yield n, ordered, 1 + mix(n, 11) % 36, ["web", "store", "app"][mix(n, 12) % 3]


def orders():
    yield ["order_id", "customer_id", "store_id", "channel", "currency", "status", "timestamp", "updated_at", "loaded_at"]
    for n, ordered, customer, channel in order_rows():
        currency = COUNTRIES[mix(customer) % len(COUNTRIES)][2]
        store = 1 + mix(n, 13) % 8 if channel == "store" else ""
        final = ["completed", "completed", "shipped", "cancelled", "RETURNED"][mix(n, 14) % 5]
        later = ordered + timedelta(days=1 + n % 9, hours=3)
        yield [n, customer, store, channel, currency, "placed", at(ordered), at(ordered), at(ordered + timedelta(hours=1))]
        yield [n, customer, store, channel, currency, final, at(ordered), at(later), at(later + timedelta(hours=1))]


def item_rows():
    for n, ordered, _, _ in order_rows():
        for line in range(1, 2 + mix(n, 15) % 4):
            yield n, line, 1 + mix(n, line, 16) % 24, 1 + mix(n, line, 17) % 5, [0, 0, 5, 10, 15][mix(n, line, 18) % 5], ordered


def order_items():
    yield ["order_id", "line_number", "product_id", "quantity", "discount_percent", "gift_note"]
    for n, line, product, quantity, discount, _ in item_rows():
        yield [n, line, product, quantity, discount if discount else "", ["", "Happy birthday!", "  for you "][mix(n, line) % 3]]


def payments():
    yield ["payment_id", "order_id", "method_code", "amount_cents", "paid_at", "gateway_response"]
    payment = 0
    prices = {row[0]: int(row[5].replace(".", "")) for row in list(products())[1:]}
    for n, ordered, _, _ in order_rows():
        total = sum(prices[p] * q * (100 - d) // 100 for o, _, p, q, d, _ in item_rows() if o == n)
        parts = [total] if mix(n, 19) % 4 else [total // 3, total - total // 3]
        for part, amount in enumerate(parts):
            payment += 1
            declined = mix(payment, 20) % 11 == 0
            response = {"code": 51 if declined else 0, "message": "declined" if declined else "ok", "risk": {"score": mix(payment) % 100 / 10}}
            yield [payment, n, ["CC", "PP", "GC", "BT", "??"][mix(payment, 21) % 5], amount,
                   at(ordered + timedelta(minutes=5 + part)), "not json" if payment % 50 == 0 else text(response)]


def refunds():
    yield ["refund_id", "order_id", "refund_text", "requested_on"]
    for n in range(1, 16):
        amounts = [f"{n * 3}.{n * 7 % 100:02d}", f"{n}.5", f"$1,{n * 10 + 100}.25", "unknown", ""]
        dates = [f"2025-0{1 + n % 3}-{10 + n}", f"{1 + n % 3:02d}/{10 + n}/2025", "soon"]
        yield [n, n * 7, amounts[n % 5], dates[n % 3]]


def exchange_rates():
    yield ["currency", "valid_from", "usd_rate"]
    base = {"CAD": 7300, "GBP": 12900, "EUR": 10800, "JPY": 67}
    for currency, rate in base.items():
        for step in range(0, 14):
            if mix(rate, step) % 4 == 0:
                continue
            value = rate + (mix(rate, step, 1) % 9 - 4) * max(rate // 400, 1)
            yield [currency, (date(2024, 9, 28) + timedelta(days=14 * step)).isoformat(), f"{value // 10000}.{value % 10000:04d}"]


def web_events():
    yield ["event_id", "timestamp", "payload"]
    for n in range(1, 181):
        visitor = 1 + mix(n, 22) % 12
        moment = datetime(2025, 1, 6) + timedelta(hours=mix(visitor, 23) % 40, minutes=(n * 11) % 400, seconds=n % 60)
        kind = ["page_view", "page_view", "add_to_cart", "search", "checkout", "purchase"][mix(n, 24) % 6]
        payload = {"event": {"type": kind, "version": 1 + n % 2}, "visitor": f"v{visitor:02d}",
                   "epoch": int((moment - datetime(1970, 1, 1)).total_seconds()), "device": {"os": ["ios", "android", "Windows 11"][visitor % 3]}}
        if visitor % 3:
            payload["customer_id"] = visitor if visitor % 2 else str(visitor)
        if kind == "page_view":
            payload["url"] = f"https://shop.example/p/{1 + n % 24}?utm_source={['news', 'ads', 'mail'][n % 3]}&utm_campaign=c{n % 4}"
        if kind == "search":
            payload["query"] = ["Red lamp", "tent", "100% cotton", "o'neill"][n % 4]
        if kind in ("add_to_cart", "purchase"):
            payload["items"] = [{"product_id": 1 + mix(n, i) % 24, "qty": 1 + (n + i) % 3, "price": round(5.25 + i * 3.5 + n % 7, 2)} for i in range(1 + n % 3)]
        if kind == "checkout":
            payload["items"] = []
            payload["coupon"] = None if n % 2 else "WINTER"
        yield [n, at(moment), text(payload) if n % 60 else "{broken"]


def inventory_counts():
    yield ["sku", "oct_2024", "nov_2024", "dec_2024", "jan_2025", "feb_2025", "mar_2025"]
    for row in list(products())[1:]:
        yield [row[1]] + ["" if mix(row[0], m) % 9 == 0 else mix(row[0], m, 25) % 120 for m in range(6)]


def stock_movements():
    yield ["movement_id", "product_id", "store_id", "movement_type", "quantity", "moved_at"]
    for n in range(1, 151):
        kind = ["receipt", "sale", "sale", "transfer_out", "transfer_in", "adjustment"][mix(n, 26) % 6]
        quantity = 1 + mix(n, 27) % 40
        moved = START + timedelta(days=mix(n, 28) % 182, minutes=mix(n, 29) % 1440)
        yield [n, 1 + mix(n, 30) % 24, 1 + mix(n, 31) % 8, kind, -quantity if kind in ("sale", "transfer_out") else quantity, at(moved)]


def price_changes():
    yield ["product_id", "effective_at", "list_price", "reason"]
    for row in list(products())[1:]:
        price = int(row[5].replace(".", ""))
        yield [row[0], "2024-09-01 00:00:00", money(price), ""]
        for step in range(mix(row[0], 32) % 4):
            price = price * (105 if step % 2 else 93) // 100
            changed = START + timedelta(days=20 + 45 * step + row[0], hours=row[0] % 24)
            yield [row[0], at(changed), money(price), ["cost", "promotion", ""][step]]


def subscriptions():
    yield ["subscription_id", "customer_id", "plan_code", "started_on", "ended_on", "monthly_fee", "settings"]
    for n in range(1, 31):
        started = date(2024, 7, 1) + timedelta(days=mix(n, 33) % 240)
        ended = "" if n % 3 else (started + timedelta(days=31 + mix(n, 34) % 120)).isoformat()
        settings = {"seats": 1 + n % 4, "features": ["reports", "api", "sso"][: n % 4], "Trial": n % 5 == 0}
        yield [n, 1 + mix(n, 35) % 40, ["basic-m", "plus-m", "pro-y"][n % 3], started.isoformat(), ended, ["9.99", "24.50", "49.00"][n % 3], text(settings)]


def support_tickets():
    yield ["ticket_id", "customer_id", "opened", "closed", "subject", "tags", "body"]
    subjects = ["Refund for order #{}", "Where is my ORDER {}?", "Lamp broken, order {}", "Question about 50% coupon", "app crashes_on start"]
    for n in range(1, 51):
        opened = START + timedelta(days=mix(n, 36) % 180, hours=mix(n, 37) % 24, minutes=n)
        closed = opened + timedelta(hours=1 + mix(n, 38) % 200, minutes=mix(n, 39) % 60)
        tags = [t for i, t in enumerate(["billing", "refund", "shipping", "bug"]) if (mix(n, 40) >> i) & 1]
        yield [n, 1 + mix(n, 41) % 40, at(opened), ["", "pending"][n % 2] if n % 7 == 0 else at(closed), subjects[n % 5].format(1000 + n),
               ";".join(tags), f"Call me at 555-01{n:02d} or 555-99{n:02d}. Order {1000 + n}, amount ${n}.{n:02d}. Thanks"]


def employees():
    yield ["employee_id", "full_name", "manager_id", "store_id", "hired_on", "salary"]
    for n in range(1, 21):
        yield [n, f"{FIRST[(n * 5) % 13]} {LAST[(n * 2) % 11]}", "" if n == 1 else max(1, n // 3), 1 + n % 8,
               date(2019 + n % 6, 1 + n % 12, 15).isoformat(), 30000 + 1250 * (mix(n, 42) % 40)]


def countries():
    yield ["country_code", "country_name", "currency", "region"]
    yield from COUNTRIES


def plans():
    yield ["plan_code", "plan_name", "billing_period_months"]
    yield from [("basic-m", "Basic", 1), ("plus-m", "Plus", 1), ("pro-y", "Professional", 12)]


TABLES = {
    "raw_customers": customers, "raw_stores": stores, "raw_products": products, "raw_suppliers": suppliers,
    "raw_orders": orders, "raw_order_items": order_items, "raw_payments": payments, "raw_refunds": refunds,
    "raw_exchange_rates": exchange_rates, "raw_web_events": web_events, "raw_inventory_counts": inventory_counts,
    "raw_stock_movements": stock_movements, "raw_price_changes": price_changes, "raw_subscriptions": subscriptions,
    "raw_support_tickets": support_tickets, "raw_employees": employees, "countries": countries, "plans": plans,
}


def main():
    check = sys.argv[1:] == ["--check"]
    stale = []
    for name, rows in TABLES.items():
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows())
        path = SEEDS / f"{name}.csv"
        if check:
            if not path.exists() or path.read_text() != out.getvalue():
                stale.append(path.name)
        else:
            SEEDS.mkdir(parents=True, exist_ok=True)
            path.write_text(out.getvalue())
    if stale:
        sys.exit(f"not what make_seeds.py writes: {', '.join(stale)}")


main()
