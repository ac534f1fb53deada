"""How an Envoy spreads calls over the replicas of a part: those of one connection go to one of them, if it has room.

Services do together what comes to them at the same time: they share transactions, reads and signs of life. Calls of
one process that took turns among replicas would share half as much with two of them, and cost more.
"""

from __future__ import annotations

from typing import Any

from headrace_gateway.edge_parts import typed

_CONNECTION = "headrace.connection"
_MOST_UNEVEN_PERCENT = 200
"""A replica that has more of the calls in progress than this share of the average leaves further ones to others."""


def connection_filter() -> dict[str, Any]:
    """Return the network filter by which requests know of which connection they are."""
    return {
        "name": "envoy.filters.network.set_filter_state",
        "typed_config": typed(
            "envoy.extensions.filters.network.set_filter_state.v3.Config",
            on_new_connection=[
                {
                    "object_key": _CONNECTION,
                    "factory_key": "envoy.hashable_string",
                    "format_string": {"text_format_source": {"inline_string": "%CONNECTION_ID%"}},
                }
            ],
        ),
    }


def by_connection() -> list[dict[str, Any]]:
    """Return the part of a route that makes its calls keep to a replica."""
    return [{"filter_state": {"key": _CONNECTION}}]


def balancing() -> dict[str, Any]:
    """Return the part of a cluster that finds the replica."""
    return {
        "lb_policy": "MAGLEV",
        "common_lb_config": {"consistent_hashing_lb_config": {"hash_balance_factor": _MOST_UNEVEN_PERCENT}},
    }
