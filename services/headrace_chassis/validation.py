"""Requests against the rules in the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[[Any], None]
"""Returns if a message is right.

Raises:
    errors.InvalidArgument: It is not; `violations` name the fields.
"""


class Validator:
    """Makes checks of messages from the rules in the contract's descriptors."""

    def check_of(self, message_type: str) -> Check | None:
        """Return the check of a message type by full name; None if it has no rules."""
        return None
