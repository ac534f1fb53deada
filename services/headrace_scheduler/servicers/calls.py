"""What all servicers need of a call: who makes it, which page, which fields."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from headrace import errors
from headrace_chassis import trace_context
from headrace_chassis.caller import current_caller
from headrace_chassis.paging import check_key, decode_page_token, encode_page_token, page_size, question_digest
from headrace_scheduler.rules.deployment import Creator
from headrace_scheduler.usecases.workbench import Actor

_KINDS = {"user": "USER", "local": "USER", "service_account": "SERVICE_ACCOUNT", "service": "SYSTEM"}


class _Paged(Protocol):
    @property
    def page_size(self) -> int: ...
    @property
    def page_token(self) -> str: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Which page a list call asks for."""

    limit: int
    after: tuple[Any, ...] | None
    """The key of the last row of the page before; None for the first page."""
    question: bytes

    def behind(self, *types: type) -> tuple[Any, ...] | None:
        """Return the key behind which the page begins, with parts of these types; None for the first page.

        Raises:
            errors.InvalidArgument: The token is not one that this list returned.
        """
        if self.after is not None:
            check_key(self.after, types)
        return self.after

    def next_token(self, key: tuple[Any, ...] | None) -> str:
        """Return the token of the page behind `key`, "" at the end."""
        return encode_page_token(key, self.question) if key is not None else ""


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


def asked_page(request: _Paged, workspace_id: uuid.UUID, *question: Message | str) -> Page:
    """Return the page that a request asks for.

    Raises:
        errors.InvalidArgument: The size is negative, or the token is not one of this question.
    """
    digest = question_digest(str(workspace_id), *question)
    return Page(page_size(request.page_size), decode_page_token(request.page_token, digest), digest)


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
