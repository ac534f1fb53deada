"""The work pools, which another service keeps."""

from __future__ import annotations

from typing import Protocol

from headrace_state.rules.wishes import PoolPlace


class Pools(Protocol):
    """The work pools."""

    async def find_place(self, pool_name: str, queue_name: str) -> PoolPlace:
        """Return a queue of a pool, the default one without a name, as far as the caller may see it.

        Raises:
            errors.NotFound: There is no such pool or queue.
            errors.PermissionDenied: The caller may not see it.
            errors.Unavailable: Whoever keeps them does not answer.
        """
        ...
