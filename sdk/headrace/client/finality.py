"""Which states are final, in the words of the contract."""

from __future__ import annotations

from headrace.api.v1 import state_pb2

_FINAL = frozenset(
    {
        state_pb2.STATE_TYPE_CANCELLED,
        state_pb2.STATE_TYPE_COMPLETED,
        state_pb2.STATE_TYPE_FAILED,
        state_pb2.STATE_TYPE_CRASHED,
    }
)


def is_final(state_type: state_pb2.StateType.ValueType) -> bool:
    """Return whether no state follows one of this type by itself."""
    return state_type in _FINAL
