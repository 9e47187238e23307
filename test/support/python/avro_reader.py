"""What fastavro reads. A line `S` and a schema is what is read from then on; a line `V` and bytes in hexadecimal is answered
by the value as JSON, a tab, and the bytes that fastavro itself writes for it."""

import datetime
import decimal
import io
import json
import sys

import fastavro

decimal.getcontext().prec = 60


def plain(value):
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, decimal.Decimal):
        text = format(value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


schema = None
for line in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline="\n"):
    kind, text = line[0], line[1:].rstrip("\n")
    if kind == "S":
        schema = fastavro.parse_schema(json.loads(text))
        continue
    given = io.BytesIO(bytes.fromhex(text))
    value = fastavro.schemaless_reader(given, schema, None)
    if given.read() != b"":
        raise ValueError("bytes are left over")
    written = io.BytesIO()
    fastavro.schemaless_writer(written, schema, value)
    sys.stdout.write(json.dumps(plain(value)) + "\t" + written.getvalue().hex() + "\n")
