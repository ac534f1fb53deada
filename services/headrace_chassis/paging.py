"""Page sizes and page tokens of list calls, the same everywhere.

A token holds the sort key of the last row of a page and a digest of everything else that was asked (filter,
sort, workspace). It is opaque to clients; a token used with another question is refused. Nothing secret depends on
it: a list shows what its caller may see, wherever it begins. So tokens are not signed, which would end them with
each change of keys, but nothing in one is trusted: every value is checked before it comes near a database.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import uuid
from collections.abc import Sequence
from typing import TypeAlias

import orjson
from google.protobuf.message import Message

from headrace import errors

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200

_DIGEST_BYTES = 12
_MAX_TOKEN_LENGTH = 4096
_INTEGERS = range(-(2**63), 2**63)

KeyValue: TypeAlias = str | int | float | bool | uuid.UUID | datetime.datetime | None
"""What a sort key may be made of."""


def page_size(requested: int) -> int:
    """Return the size of a page: 50 for 0, never more than 200.

    Raises:
        errors.InvalidArgument: `requested` is negative.
    """
    if requested < 0:
        raise errors.InvalidArgument.of_field("page_size", "must not be negative")
    return min(requested, MAX_PAGE_SIZE) if requested else DEFAULT_PAGE_SIZE


def question_digest(*parts: Message | str | uuid.UUID | None) -> bytes:
    """Return a digest of what a list call asks, apart from its page: filter, sort, workspace.

    Messages count by their content; equal content gives equal digests.
    """
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        if isinstance(part, Message):
            data = part.SerializeToString(deterministic=True)
        else:
            data = str(part).encode() if part is not None else b""
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()


def encode_page_token(key: Sequence[KeyValue], question: bytes) -> str:
    """Return the token of the page that follows the row with sort key `key`."""
    body = orjson.dumps([_pack(value) for value in key])
    return base64.urlsafe_b64encode(question + body).rstrip(b"=").decode()


def decode_page_token(
    token: str, question: bytes, types: Sequence[type | tuple[type, ...]] | None = None
) -> tuple[KeyValue, ...] | None:
    """Return the sort key in `token`, None for "" (the first page).

    Args:
        token: As the caller gave it.
        question: The digest of what is asked.
        types: Those of the key's parts, as in `check_key`; None leaves that to the caller.

    Raises:
        errors.InvalidArgument: The token is damaged, or belongs to another question, or has another key.
    """
    if not token:
        return None
    try:
        if len(token) > _MAX_TOKEN_LENGTH:
            raise ValueError("too long")
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(data[_DIGEST_BYTES:])
        if not isinstance(values, list):
            raise ValueError("not a key")
        key = tuple(_unpack(value) for value in values)
    except (ValueError, OverflowError, binascii.Error):
        raise _forged() from None
    if data[:_DIGEST_BYTES] != question:
        raise errors.InvalidArgument.of_field(
            "page_token", "belongs to another filter or order; start again without it"
        )
    if types is not None:
        check_key(key, types)
    return key


def check_key(key: Sequence[object], types: Sequence[type | tuple[type, ...]]) -> None:
    """See to it that the key out of a token has the parts that a list is ordered by.

    Args:
        key: As `decode_page_token` returned it.
        types: Of its parts, or each several to choose from.

    Raises:
        errors.InvalidArgument: It has others, so that no call returned the token.
    """
    if len(key) != len(types) or not all(map(_is_of, key, types)):
        raise _forged()


def _is_of(value: object, expected: type | tuple[type, ...]) -> bool:
    # To Python a bool is an int, too; to Postgres it is not.
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def _forged() -> errors.InvalidArgument:
    return errors.InvalidArgument.of_field("page_token", "must be a token that this call returned")


def _pack(value: KeyValue) -> object:
    if isinstance(value, uuid.UUID):
        return {"u": value.hex}
    if isinstance(value, datetime.datetime):
        return {"t": value.astimezone(datetime.UTC).isoformat()}
    return value


def _unpack(value: object) -> KeyValue:
    match value:
        case {"u": str(text)}:
            return uuid.UUID(hex=text)
        case {"t": str(text)}:
            return _time(text)
        case str():
            # The one character that Postgres has no room for.
            if "\0" not in value:
                return value
        case int():
            if value in _INTEGERS:
                return value
        case None | float():
            return value
    raise ValueError("not a key value")


def _time(text: str) -> datetime.datetime:
    value = datetime.datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("not a time of a zone")
    return value.astimezone(datetime.UTC)
