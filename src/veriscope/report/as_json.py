"""The JSON form of a report and its published schema."""

from __future__ import annotations

import json
from typing import Any

from veriscope.domain import SCHEMA, Failure, Plain, Report, plain


def failure_json(failure: Failure) -> dict[str, Plain]:
    """A failed input in the same family: `schema`, `source`, `error` {`code`, `message`}."""
    return {"schema": SCHEMA, "source": plain(failure.source), "error": {"code": failure.code, "message": failure.message}}


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a report, derived from the types."""
    from pydantic import TypeAdapter

    found = TypeAdapter(Report).json_schema(mode="serialization")
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["$id"] = f"urn:{SCHEMA.replace('/', ':')}"
    found["properties"] = {"schema": None} | found["properties"] | {"schema": {"const": SCHEMA}}
    found["required"] = ["schema", *found["required"]]
    return found


def schema_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False, sort_keys=True)
