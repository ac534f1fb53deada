"""Pages of flow runs, of which those that have not changed since they were listed last are not read again.

Lists are asked for again and again, by pages that are open and by clients that poll, while most runs stay as they
are. To bring fifty whole rows and to make messages of them costs many times what it costs to find them. So Postgres
is asked which runs they are and in which versions, and brings those whose versions are not known here. A version
names one content, in whichever process; nobody has to be told of changes.
"""

from __future__ import annotations

import collections
import uuid
from collections.abc import Sequence

from headrace.api.v1 import flow_run_pb2
from headrace_chassis.pages import Page
from headrace_state.repository.flow_runs import FlowRunReads, Version
from headrace_state.rules.filters import FlowRunFilter
from headrace_state.wire import flow_runs

MOST_KEPT_BYTES = 16 * 1024 * 1024
MOST_BYTES = 64 * 1024
"""Of a run that is kept; a larger one is read each time."""


class FlowRunPages:
    """Makes pages of flow runs.

    Args:
        reads: Where the runs are.
        most_kept_bytes: How much is kept; what was listed longest ago goes first.
    """

    def __init__(self, reads: FlowRunReads, most_kept_bytes: int = MOST_KEPT_BYTES) -> None:
        self._reads = reads
        self._most_kept_bytes = most_kept_bytes
        self._kept_bytes = 0
        self._kept: collections.OrderedDict[Version, bytes] = collections.OrderedDict()

    async def page(
        self, workspace_id: uuid.UUID, chosen: FlowRunFilter, order: str, page: Page, *, with_payloads: bool
    ) -> flow_run_pb2.ListFlowRunsResponse:
        """Return a page of the runs that pass a filter.

        A run that changes meanwhile is on it as it has become, or is missing if it does not pass any more.

        Args:
            workspace_id: Whose runs.
            chosen: Which ones.
            order: Name of the order in the contract, e.g. `STARTED_DESC`.
            page: Which page.
            with_payloads: Whether the caller may see parameters and the like.
        """
        versions, key = await self._reads.list_versions(
            workspace_id, chosen, order, page.after, page.size, with_payloads=with_payloads
        )
        packed = [self._find(version) for version in versions]
        unknown = [version[0] for version, known in zip(versions, packed, strict=True) if known is None]
        if unknown:
            loaded = await self._reads.load_versions(workspace_id, chosen, unknown, with_payloads=with_payloads)
            by_id = {
                version[0]: self._keep(version, flow_runs.flow_run(row, with_payloads=with_payloads))
                for version, row in loaded
            }
            packed = [known or by_id.get(version[0]) for version, known in zip(versions, packed, strict=True)]
        return _unpacked(packed, page.next_token(key))

    def _find(self, version: Version) -> bytes | None:
        known = self._kept.get(version)
        if known is not None:
            self._kept.move_to_end(version)
        return known

    def _keep(self, version: Version, run: flow_run_pb2.FlowRun) -> bytes:
        # As the part of a page that it is, so that parts in a row are a page.
        packed = flow_run_pb2.ListFlowRunsResponse(flow_runs=[run]).SerializeToString()
        if len(packed) <= MOST_BYTES and version not in self._kept:
            self._kept[version] = packed
            self._kept_bytes += len(packed)
            while self._kept_bytes > self._most_kept_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._kept_bytes -= len(oldest)
        return packed


def _unpacked(packed: Sequence[bytes | None], next_token: str) -> flow_run_pb2.ListFlowRunsResponse:
    response = flow_run_pb2.ListFlowRunsResponse.FromString(b"".join(part for part in packed if part is not None))
    response.next_page_token = next_token
    return response
