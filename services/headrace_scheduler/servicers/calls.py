"""What all servicers need of a call: who makes it, which fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from headrace import errors
from headrace_chassis import trace_context
from headrace_chassis.caller import current_caller
from headrace_scheduler.rules.deployment import Creator
from headrace_scheduler.usecases.workbench import Actor

_KINDS = {"user": "USER", "local": "USER", "service_account": "SERVICE_ACCOUNT", "service": "SYSTEM"}


def actor() -> Actor:
    """Return for whom the call in progress is made."""
    caller = current_caller()
    if caller.is_run:
        return Actor(caller.workspace_id, Creator("FLOW_RUN", caller.run_id, ""))
    return Actor(
        caller.workspace_id,
        Creator(_KINDS.get(caller.principal_kind, ""), caller.principal_id, caller.display_name),
    )


def traced(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels of a run that the call in progress starts, with the trace that it belongs to, if any."""
    context = trace_context.of_call()
    return {trace_context.LABEL: context, **labels} if context else dict(labels)


def masked(message: Message, mask: FieldMask, changeable: Collection[str]) -> list[str]:
    """Return which fields of `message` an update is about: those of the mask, or without one those that are set.

    A path may go deeper than the names in `changeable`.

    Raises:
        errors.InvalidArgument: The mask names a field that cannot be changed, or nothing is to be changed.
    """
    if mask.paths:
        for place, path in enumerate(mask.paths):
            if path.split(".")[0] not in changeable:
                raise errors.InvalidArgument.of_field(
                    f"update_mask.paths[{place}]", f"{path} cannot be changed; {', '.join(sorted(changeable))} can"
                )
        return list(dict.fromkeys(mask.paths))
    fields = [field.name for field, _ in message.ListFields() if field.name in changeable]
    if not fields:
        raise errors.InvalidArgument.of_field("update_mask", f"names none of {', '.join(sorted(changeable))}")
    return fields


def merge(source: Message, target: Message, paths: Collection[str]) -> None:
    """Bring the fields of `target` that `paths` name to what they are in `source`; unset ones are cleared.

    Raises:
        errors.InvalidArgument: A path names no field.
    """
    for path in paths:
        _merge(source, target, path.split("."), path)


def _merge(source: Message, target: Message, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    field = target.DESCRIPTOR.fields_by_name.get(name)
    if field is None or (rest and field.message_type is None):
        raise errors.InvalidArgument.of_field("update_mask", f"{path} is not a field")
    is_plain_message = field.message_type is not None and not _is_repeated(target, name)
    if rest:
        kind = field.message_type
        if not is_plain_message or kind is None or kind.full_name.startswith("google.protobuf."):
            raise errors.InvalidArgument.of_field("update_mask", f"{path} is not a field")
        _merge(getattr(source, name), getattr(target, name), rest, path)
        return
    target.ClearField(name)
    if is_plain_message or field.has_presence:
        if source.HasField(name):
            if is_plain_message:
                getattr(target, name).CopyFrom(getattr(source, name))
            else:
                setattr(target, name, getattr(source, name))
    elif _is_repeated(target, name):
        getattr(target, name).extend(getattr(source, name))
    else:
        setattr(target, name, getattr(source, name))


def _is_repeated(message: Message, name: str) -> bool:
    value = getattr(message, name)
    return hasattr(value, "extend")
