"""Who makes what is made by a call."""

from __future__ import annotations

from headrace_chassis.caller import Caller
from headrace_chassis.values import storable
from headrace_notification.rules.automations import Creator

_KINDS = {"user": "USER", "local": "USER", "service_account": "SERVICE_ACCOUNT", "service": "SYSTEM"}


def creator_of(caller: Caller) -> Creator:
    """Return the caller as the creator of something."""
    kind = _KINDS.get(caller.principal_kind, "")
    return Creator(kind, storable(caller.principal_id), storable(caller.display_name))
