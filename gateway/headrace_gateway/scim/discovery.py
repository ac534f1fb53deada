"""What the server says of its SCIM (RFC 7643, 5 to 7): what it can, which resources there are, what they hold."""

from __future__ import annotations

from typing import Any

from headrace_gateway.scim import bulk
from headrace_gateway.scim.resources import CORE, GROUP, MAX_BODY_BYTES, MESSAGES, USER

_CONFIGURATION = {
    "schemas": [f"{CORE}ServiceProviderConfig"],
    "patch": {"supported": True},
    "bulk": {"supported": True, "maxOperations": bulk.MOST_OPERATIONS, "maxPayloadSize": MAX_BODY_BYTES},
    "filter": {"supported": True, "maxResults": 200},
    "changePassword": {"supported": False},
    "sort": {"supported": True},
    "etag": {"supported": True},
    "authenticationSchemes": [
        {"type": "oauthbearertoken", "name": "API key", "description": "The key of a service account", "primary": True}
    ],
}


def _attribute(name: str, kind: str = "string", *, required: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "multiValued": False,
        "required": required,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
        **more,
    }


_SCHEMAS: dict[str, dict[str, Any]] = {
    USER: {
        "schemas": [f"{CORE}Schema"],
        "id": USER,
        "name": "User",
        "description": "A user of the account",
        "attributes": [
            _attribute("userName", required=True, uniqueness="server"),
            _attribute("externalId", caseExact=True, uniqueness="server"),
            _attribute("displayName"),
            _attribute(
                "name",
                "complex",
                subAttributes=[_attribute("formatted"), _attribute("givenName"), _attribute("familyName")],
            ),
            _attribute("emails", "complex", multiValued=True, subAttributes=[_attribute("value")]),
            _attribute("active", "boolean"),
        ],
    },
    GROUP: {
        "schemas": [f"{CORE}Schema"],
        "id": GROUP,
        "name": "Group",
        "description": "A team",
        "attributes": [
            _attribute("displayName", required=True, uniqueness="server"),
            _attribute("externalId", caseExact=True, uniqueness="server"),
            _attribute(
                "members", "complex", multiValued=True, subAttributes=[_attribute("value"), _attribute("display")]
            ),
        ],
    },
}
_TYPES: dict[str, dict[str, Any]] = {
    "User": {"schemas": [f"{CORE}ResourceType"], "id": "User", "name": "User", "endpoint": "/Users", "schema": USER},
    "Group": {
        "schemas": [f"{CORE}ResourceType"],
        "id": "Group",
        "name": "Group",
        "endpoint": "/Groups",
        "schema": GROUP,
    },
}


def document(kind: str, identifier: str) -> dict[str, Any] | None:
    """Return what the server says of itself at an address; None where it says nothing."""
    if kind == "ServiceProviderConfig" and not identifier:
        return _CONFIGURATION
    found = {"ResourceTypes": _TYPES, "Schemas": _SCHEMAS}.get(kind)
    if found is None or (identifier and identifier not in found):
        return None
    if identifier:
        return found[identifier]
    return {
        "schemas": [f"{MESSAGES}ListResponse"],
        "totalResults": len(found),
        "startIndex": 1,
        "itemsPerPage": len(found),
        "Resources": list(found.values()),
    }
