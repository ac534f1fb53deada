"""Types of blocks with their schemas, blocks with what they refer to, and variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.api.v1 import block_pb2, variable_pb2
from headrace.importing.mapping.values import any_value, struct, text

REFERENCE = "$block"
HIDDEN = "********"
"""What the server shows in place of a secret that it does not give away."""

WHOLE = "prefect"
"""Where a schema has the one that Prefect's clients gave; the one around it only names and describes the fields."""

_SHOWN = ("title", "description", "default", "examples")


def block_type(found: Mapping[str, Any], schema: Mapping[str, Any]) -> block_pb2.RegisterBlockTypeRequest:
    """Return a type of blocks with one of its schemas."""
    fields = dict(schema.get("fields") or {})
    return block_pb2.RegisterBlockTypeRequest(
        slug=text(found["slug"], 100),
        name=text(found.get("name"), 255),
        description=text(found.get("description"), 10_000),
        logo_url=text(found.get("logo_url"), 2000),
        documentation_url=text(found.get("documentation_url"), 2000),
        code_example=text(found.get("code_example"), 20_000),
        schema=block_pb2.BlockSchema(
            fields=struct(_described(fields)),
            secret_fields=[text(path) for path in fields.get("secret_fields") or ()],
            capabilities=[text(word) for word in schema.get("capabilities") or ()],
            version=text(schema.get("version")),
            client_checksum=text(schema.get("checksum")),
        ),
    )


def _described(fields: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: {word: described[word] for word in _SHOWN if word in described}
        for name, described in (fields.get("properties") or {}).items()
        if isinstance(described, Mapping)
    }
    return {"type": "object", "title": text(fields.get("title")), "properties": properties, WHOLE: fields}


def block(
    found: Mapping[str, Any], ids: Mapping[str, str], *, keeps_hidden: bool = False
) -> tuple[block_pb2.SaveBlockRequest, list[str]]:
    """Return a block, and what of it could not be carried over.

    Args:
        found: As the server tells it, with secrets where it gives them.
        ids: `<type>/<name>` of blocks that are here, by the ids of their documents there.
        keeps_hidden: Secrets that are not given away stay as they are here.
    """
    lost = []
    data = dict(found.get("data") or {})
    for field, reference in (found.get("block_document_references") or {}).items():
        document = reference.get("block_document") or {}
        name = ids.get(str(document.get("id") or ""))
        if name is not None:
            data[field] = {REFERENCE: name}
        elif document.get("is_anonymous"):
            # It has no name to refer to: what it holds stands in its place.
            data[field] = dict(document.get("data") or data.get(field) or {})
        else:
            lost.append(f"the block that the field '{field}' refers to")
    known, hidden = _without_hidden(data, "")
    data = data if keeps_hidden else known
    lost += [f"the secret '{place}', which the server does not give away" for place in hidden]
    request = block_pb2.SaveBlockRequest(type_slug=slug_of(found), name=text(found.get("name"), 255), data=struct(data))
    return request, lost


def slug_of(found: Mapping[str, Any]) -> str:
    """Return the slug of a block's type."""
    return text((found.get("block_type") or {}).get("slug"))


def references_of(found: Mapping[str, Any]) -> set[str]:
    """Return the ids of the documents that a block refers to."""
    documents = (each.get("block_document") or {} for each in (found.get("block_document_references") or {}).values())
    return {str(document["id"]) for document in documents if document.get("id")}


def _without_hidden(value: Any, place: str) -> tuple[Any, list[str]]:
    if isinstance(value, Mapping):
        kept: dict[str, Any] = {}
        hidden: list[str] = []
        for key, item in value.items():
            inner, lost = _without_hidden(item, f"{place}.{key}" if place else str(key))
            hidden += lost
            if inner is not _NOTHING:
                kept[key] = inner
        return kept, hidden
    if isinstance(value, str) and value == HIDDEN:
        return _NOTHING, [place]
    return value, []


_NOTHING = object()


def variable(found: Mapping[str, Any]) -> variable_pb2.SetVariableRequest:
    """Return a variable."""
    return variable_pb2.SetVariableRequest(
        name=text(found["name"]),
        value=any_value(found.get("value")),
        tags=[text(tag) for tag in found.get("tags") or ()],
    )
