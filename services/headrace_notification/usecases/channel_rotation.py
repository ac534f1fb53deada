"""Encrypt the secrets of channels anew after a change of keys."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace_notification.repository import Secrets
from headrace_notification.repository.channels import ChannelStore
from headrace_notification.usecases.channels import seal_context


async def rotate_channels(
    store: ChannelStore, secrets: Secrets, after: uuid.UUID, most: int
) -> tuple[int, int, uuid.UUID | None]:
    """Encrypt the secrets of some channels with the newest key.

    Returns:
        How many were rotated, how many cannot be read, and behind which id to go on; None: there is nothing left.

    Raises:
        errors.FailedPrecondition: There is no key.
    """
    secrets.seal("", "rotation")
    found = await store.list_with_secrets(after, most)
    rotated = unreadable = 0
    for channel in found:
        if all(map(secrets.is_newest, channel.secrets.values())):
            continue
        context = seal_context(channel)
        try:
            anew = {path: secrets.seal(secrets.open(text, context), context) for path, text in channel.secrets.items()}
        except errors.FailedPrecondition:
            unreadable += 1
            continue
        await store.replace_secrets(channel, anew)
        rotated += 1
    return rotated, unreadable, found[-1].channel_id if len(found) == most else None
