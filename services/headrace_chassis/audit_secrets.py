"""Which fields of messages hold secrets: digests in the audit log are made without them."""

from __future__ import annotations

import functools

from google.protobuf import descriptor, message

_SECRET_FIELDS = frozenset(
    {"client_secret", "bind_password", "password", "new_password", "old_password", "secret", "key", "token", "code"}
)


@functools.cache
def may_hold_secrets(described: descriptor.Descriptor) -> bool:
    """Return whether messages of a kind have fields for secrets, in themselves or in what they hold."""
    seen: set[str] = set()
    waiting = [described]
    while waiting:
        current = waiting.pop()
        if current.full_name in seen:
            continue
        seen.add(current.full_name)
        for field in current.fields:
            if field.name in _SECRET_FIELDS and field.type in (field.TYPE_STRING, field.TYPE_BYTES):
                return True
            if field.message_type is not None and not field.message_type.full_name.startswith("google.protobuf."):
                waiting.append(field.message_type)
    return False


def clear_secrets(content: message.Message) -> None:
    """Take the values of fields for secrets out of a message, and out of those in it."""
    for field, value in content.ListFields():
        if field.name in _SECRET_FIELDS and field.type in (field.TYPE_STRING, field.TYPE_BYTES):
            content.ClearField(field.name)
        elif (
            field.message_type is None
            or field.message_type.full_name.startswith("google.protobuf.")
            or field.message_type.GetOptions().map_entry
        ):
            continue
        elif field.is_repeated:
            for each in value:
                clear_secrets(each)
        else:
            clear_secrets(value)
