"""Convert typed values, from Parquet and databases, to text."""

import math
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import pyarrow as pa

_MICROSECONDS = {"s": 1_000_000, "ms": 1000, "us": 1}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def text_of(value: object) -> str:
    """Return the text of a value.

    Whole numbers have no decimal point, dates and times are in ISO format, booleans are `true` or
    `false`, and texts are stripped as in a CSV file.

    Raises:
        ValueError: it is bytes that are not text in UTF-8.
    """
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value).strip()


def is_readable(kind: "pa.DataType") -> bool:
    """Return whether values of a type can be converted to text."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        is_one(kind)
        for is_one in (
            types.is_string, types.is_large_string, types.is_binary, types.is_large_binary,
            types.is_integer, types.is_boolean, types.is_floating, types.is_decimal,
            types.is_date, types.is_timestamp, types.is_null,
        )
    )  # fmt: skip


def is_fraction(kind: "pa.DataType") -> bool:
    """Return whether values of a type may have a fraction, or are written as if they had one."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return types.is_floating(kind) or (types.is_decimal(kind) and kind.scale > 0)


def texts(column: "pa.Array") -> list[str]:
    """Return the texts of a column of a readable type; null and NaN are empty texts.

    Raises:
        ValueError, OverflowError: a value is not text in UTF-8, or a time outside the calendar.
    """
    from pyarrow import types

    if types.is_dictionary(column.type):
        # Not `dictionary_decode`, which requires pandas.
        of_dictionary = texts(column.dictionary)
        places: list[int | None] = column.indices.to_pylist()
        return ["" if place is None else of_dictionary[place] for place in places]
    if types.is_string(column.type) or types.is_large_string(column.type):
        return ["" if value is None else value.strip() for value in column.to_pylist()]
    if types.is_timestamp(column.type):
        return [text_of(value) for value in _times(column)]
    if types.is_floating(column.type):
        return [_number(value) for value in column.to_pylist()]
    return [text_of(value) for value in column.to_pylist()]


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else repr(float(value))


def _times(column: "pa.Array") -> list[datetime | None]:
    """Convert timestamps, in their time zone if they have one.

    Arrow's own conversion requires pandas for nanoseconds and for time zones.
    """
    import pyarrow as pa

    unit, zone = column.type.unit, column.type.tz and _zone(column.type.tz)

    def time(value: int) -> datetime:
        microseconds = value // 1000 if unit == "ns" else value * _MICROSECONDS[unit]
        found = _EPOCH + timedelta(microseconds=microseconds)
        return found.astimezone(zone) if zone else found.replace(tzinfo=None)

    counted: list[Any] = column.view(pa.int64()).to_pylist()
    return [None if value is None else time(value) for value in counted]


def _zone(name: str) -> tzinfo:
    """Return a time zone by its name, or by its offset from UTC, such as `+02:00`.

    Raises:
        ValueError: the name is not a time zone.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        found = datetime.fromisoformat(f"1970-01-01T00:00:00{name}").tzinfo
        if found is None:
            raise ValueError("not a time zone") from None
        return found
