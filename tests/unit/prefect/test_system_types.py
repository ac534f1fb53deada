"""The types of blocks that come with Prefect's client, as they are made known."""

from __future__ import annotations

from typing import Any

import pytest

from headrace_prefect.shapes import blocks, scalars, system_types
from headrace_prefect.shapes.schemas import WHOLE
from headrace_state.rules.blocks import BlockFault, check_schema, put_together, take_apart


@pytest.mark.parametrize("kind", system_types.TYPES, ids=lambda kind: kind.slug)
def test_a_type_has_a_schema_whose_defaults_fit_it(kind: system_types.SystemType) -> None:
    request = kind.registration()
    stored: dict[str, Any] = scalars.of_struct(request.schema.fields)
    check_schema(stored)
    given = {name: described.get("default", "a text") for name, described in kind.properties.items()}
    given |= {name: ["one"] for name, described in kind.properties.items() if described.get("type") == "array"}
    parts = take_apart(given, stored, request.schema.secret_fields, {})
    assert put_together(parts.shown, parts.secrets) == given
    assert not any(pattern.partition(".")[0] not in kind.properties for pattern in kind.secret_fields)
    hidden = {name for name, described in kind.properties.items() if "password" in str(described)}
    assert hidden == {pattern for pattern in kind.secret_fields if "." not in pattern}
    assert stored[WHOLE]["block_type_slug"] == kind.slug


def test_a_schema_is_known_by_the_digest_that_the_client_has_of_its_own() -> None:
    request = system_types.BY_SLUG["slack-webhook"].registration()
    assert request.schema.client_checksum.startswith("sha256:")
    assert request.schema.client_checksum != blocks.checksum(scalars.of_struct(request.schema.fields)[WHOLE])
    assert len({kind.client_checksum for kind in system_types.TYPES}) == len(system_types.TYPES)


def test_what_is_no_text_does_not_fit_where_one_is_wanted() -> None:
    request = system_types.BY_SLUG["webhook"].registration()
    fields = scalars.of_struct(request.schema.fields)
    with pytest.raises(BlockFault):
        take_apart({"url": 5}, fields, request.schema.secret_fields, {})
    secret = system_types.BY_SLUG["secret"].registration()
    anything = scalars.of_struct(secret.schema.fields)
    for value in ("text", 5, {"a": [1]}, ["x"]):
        assert take_apart({"value": value}, anything, secret.schema.secret_fields, {}).secrets == {"/value": value}
