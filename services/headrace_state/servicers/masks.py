"""Field masks of updates."""

from __future__ import annotations

from collections.abc import Collection

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from headrace import errors


def masked(message: Message, mask: FieldMask, changeable: Collection[str]) -> list[str]:
    """Return which fields of `message` an update is about: those of the mask, or without one those that are set.

    Raises:
        errors.InvalidArgument: The mask names a field that cannot be changed, or nothing is to be changed.
    """
    if mask.paths:
        for place, path in enumerate(mask.paths):
            if path not in changeable:
                raise errors.InvalidArgument.of_field(
                    f"update_mask.paths[{place}]", f"{path} cannot be changed; {', '.join(sorted(changeable))} can"
                )
        return list(dict.fromkeys(mask.paths))
    fields = [field.name for field, _ in message.ListFields() if field.name in changeable]
    if not fields:
        raise errors.InvalidArgument.of_field("update_mask", f"names none of {', '.join(sorted(changeable))}")
    return fields
