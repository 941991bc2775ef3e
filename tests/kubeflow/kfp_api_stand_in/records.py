"""What all kinds of records share: how they are found, listed, filtered and refused."""

import datetime
import json
from typing import Any

Record = dict[str, Any]
_EQUALS = (1, "EQUALS")
_IS_SUBSTRING = (9, "IS_SUBSTRING")
_INNER = ("versions", "template")
"""Keys of a record that are this stand-in's own, and no answer shows."""


class Answer(Exception):
    """A refusal, with its HTTP status."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shown(record: Record) -> Record:
    """Without what is only this stand-in's."""
    return {key: value for key, value in record.items() if key not in _INNER}


def found(table: dict[str, Record], key: str, kind: str) -> Record:
    if key not in table:
        raise Answer(404, f"{kind} {key} not found")
    return table[key]


def page(kind: str, table: dict[str, Record], query: Record) -> Record:
    """The records that the filter lets through: `page_size` of them, from `page_token` on."""
    records = [shown(record) for record in table.values() if _matches(record, query)]
    if query.get("sort_by"):
        key, _, order = query["sort_by"].partition(" ")
        records.sort(key=lambda record: record.get(key, ""), reverse=order == "desc")
    first = int(query.get("page_token") or 0)
    after = first + int(query.get("page_size") or 20)
    return {
        kind: records[first:after],
        "total_size": len(records),
        "next_page_token": str(after) if after < len(records) else "",
    }


def _matches(record: Record, query: Record) -> bool:
    predicates = json.loads(query.get("filter") or "{}").get("predicates", [])
    for predicate in predicates:
        key, operation = predicate["key"], predicate["operation"]
        wanted = predicate.get("stringValue", predicate.get("string_value"))
        key = {"name": "display_name", "id": "run_id"}.get(key, key)
        if key not in record:
            raise Answer(400, f'no support for filtering on unrecognized field "{key}"')
        if operation in _EQUALS:
            if record[key] != wanted:
                return False
        elif operation in _IS_SUBSTRING:
            if wanted not in record[key]:
                return False
        else:
            raise Answer(400, f"this stand-in has no filter operation {operation}")
    return True


def must_be_new(table: dict[str, Record], name: str) -> None:
    """Refuse a second record of a name."""
    if any(record["display_name"] == name for record in table.values()):
        raise Answer(409, f"The name {name} already exists. Please specify a new name")
