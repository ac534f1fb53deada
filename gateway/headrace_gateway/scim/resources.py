"""Users and teams as resources of SCIM, and back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import team_pb2, user_pb2
from headrace_gateway.scim.filters import values_at

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
USER, GROUP = f"{CORE}User", f"{CORE}Group"
PREFIX = "/scim/v2/"
MAX_BODY_BYTES = 1024 * 1024


def of_user(user: user_pb2.User) -> dict[str, Any]:
    """Return a user as a resource.

    Of a name there is only what people read. Directories want it in parts: the last word is taken for the family's.
    """
    given, _, family = user.display_name.rpartition(" ")
    parts = {"givenName": given, "familyName": family} if given else {}
    resource = {
        "schemas": [USER],
        "id": user.user_id,
        "userName": user.email,
        "displayName": user.display_name,
        "name": {"formatted": user.display_name, **parts},
        "emails": [{"value": user.email, "type": "work", "primary": True}],
        "active": user.active,
    }
    return _complete(resource, "User", "Users", user)


def of_team(team: team_pb2.Team, members: Iterable[user_pb2.User] | None) -> dict[str, Any]:
    """Return a team as a resource; without `members` where nobody asks for them."""
    resource: dict[str, Any] = {
        "schemas": [GROUP],
        "id": team.team_id,
        "displayName": team.name,
    }
    if members is not None:
        resource["members"] = [
            {
                "value": user.user_id,
                "display": user.display_name,
                "type": "User",
                "$ref": f"{PREFIX}Users/{user.user_id}",
            }
            for user in members
        ]
    return _complete(resource, "Group", "Groups", team)


def to_user(resource: Mapping[str, Any], user_id: str = "") -> user_pb2.User:
    """Return the user that a resource describes.

    Raises:
        errors.InvalidArgument: It has no name that a user can have.
    """
    email = _text(resource, "userName")
    if "@" not in email:
        # Where people are called something else, their address is what they are known by here.
        email = next((str(value) for value in values_at(resource, "emails.value")), email)
    if "@" not in email:
        raise errors.InvalidArgument.of_field("userName", "must be an e-mail address, or come with one in emails")
    parts = (_text(resource, "name.givenName"), _text(resource, "name.familyName"))
    name = _text(resource, "displayName") or _text(resource, "name.formatted") or " ".join(filter(None, parts))
    return user_pb2.User(
        user_id=user_id,
        email=email,
        display_name=name or email,
        active=_truth(resource, "active"),
        external_id=_text(resource, "externalId"),
    )


def renamed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a changed user with the name that people read where it was changed: in `displayName`, or in `name`."""
    shown = _text(before, "displayName")
    if "name" not in after or after["name"] == before.get("name") or _text(after, "displayName") != shown:
        return after
    parts = " ".join(filter(None, (_text(after, "name.givenName"), _text(after, "name.familyName"))))
    formatted = _text(after, "name.formatted")
    return {**after, "displayName": parts if formatted == shown and parts else formatted or parts or shown}


def to_team(resource: Mapping[str, Any], team_id: str = "") -> team_pb2.Team:
    """Return the team that a resource describes.

    Raises:
        errors.InvalidArgument: It has no name.
    """
    name = _text(resource, "displayName")
    handle = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100].strip("-")
    if not handle:
        raise errors.InvalidArgument.of_field("displayName", "must hold a letter or digit")
    return team_pb2.Team(team_id=team_id, handle=handle, name=name, external_id=_text(resource, "externalId"))


def changed_at(resource: Mapping[str, Any]) -> Timestamp:
    """Return when a resource last changed."""
    moment = Timestamp()
    moment.FromJsonString(resource["meta"]["lastModified"])
    return moment


def members_of(resource: Mapping[str, Any]) -> list[str]:
    """Return the ids of the users that a group holds."""
    return list(dict.fromkeys(str(value) for value in values_at(resource, "members.value")))


def _complete(resource: dict[str, Any], kind: str, place: str, source: user_pb2.User | team_pb2.Team) -> dict[str, Any]:
    """Return a resource with what is said about it; its version is made of that and its last change."""
    if source.external_id:
        resource["externalId"] = source.external_id
    changed = source.updated_at.ToJsonString()
    digest = hashlib.sha256(orjson.dumps([resource, changed], option=orjson.OPT_SORT_KEYS)).hexdigest()
    resource["meta"] = {
        "resourceType": kind,
        "location": f"{PREFIX}{place}/{resource['id']}",
        "created": source.created_at.ToJsonString(),
        "lastModified": changed,
        "version": f'W/"{digest[:20]}"',
    }
    return resource


def _text(resource: Mapping[str, Any], path: str) -> str:
    found = next(values_at(resource, path), "")
    return found.strip() if isinstance(found, str) else ""


def _truth(resource: Mapping[str, Any], path: str) -> bool:
    found = next(values_at(resource, path), True)
    # Some directories write it as a text.
    return found.lower() == "true" if isinstance(found, str) else bool(found)
