"""What things are called on either side."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(slots=True)
class Ids:
    """Ids of the server that is read from, and what they became here. Kept with the progress of an import."""

    flows: dict[str, str] = dataclasses.field(default_factory=dict)
    flow_names: dict[str, str] = dataclasses.field(default_factory=dict)
    """By the id that they have there."""
    deployments: dict[str, str] = dataclasses.field(default_factory=dict)
    deployment_names: dict[str, str] = dataclasses.field(default_factory=dict)
    """By the id that they have there."""
    pools: dict[str, str] = dataclasses.field(default_factory=dict)
    pool_names: dict[str, str] = dataclasses.field(default_factory=dict)
    """By the id that they have there."""
    queues: dict[str, str] = dataclasses.field(default_factory=dict)
    queue_names: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    """Pool and queue, by the id that the queue has there."""
    blocks: dict[str, str] = dataclasses.field(default_factory=dict)
    """`<type>/<name>`, by the id of the document."""
    automations: dict[str, str] = dataclasses.field(default_factory=dict)

    def here(self, there: str) -> str:
        """Return what became of an id, whatever it is of; itself where nothing is known of it."""
        for known in (self.flows, self.deployments, self.pools, self.queues, self.automations):
            if there in known:
                return known[there]
        return there

    def to_plain(self) -> dict[str, Any]:
        """Return what can be kept as JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, kept: dict[str, Any]) -> Ids:
        """Return what was kept; fields that are no longer known are left out."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in kept.items() if name in names})
