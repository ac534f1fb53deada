"""Assets: what runs make for others to use."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from headrace_state.rules.filters import OPEN, Ids, Span, Words


def asset_id_of(workspace_id: uuid.UUID, key: str) -> uuid.UUID:
    """Return the id of an asset, which follows from its key: whoever names the key means the asset."""
    return uuid.uuid5(workspace_id, key)


@dataclasses.dataclass(frozen=True, slots=True)
class KnownAsset:
    """What a run knows of an asset; what is empty stays as it was."""

    key: str
    name: str = ""
    description: str = ""
    url: str = ""
    owners: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class NewMaterialization:
    """An asset that was made, or failed to be."""

    materialization_id: uuid.UUID
    asset: KnownAsset
    metadata: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class MaterializationReport:
    """What a task run made, and from what."""

    flow_run_id: uuid.UUID | None
    task_run_id: uuid.UUID | None
    materializations: Sequence[NewMaterialization]
    succeeded: bool
    materialized_by: str
    message: str
    upstream_assets: Sequence[KnownAsset]
    upstream_task_run_ids: Ids


@dataclasses.dataclass(frozen=True, slots=True)
class AssetFilter:
    """Which assets."""

    asset_ids: Ids = ()
    keys: Words = ()
    key_prefix: str = ""
    text: str = ""
    owners: Words = ()
    materialized: Span = OPEN


@dataclasses.dataclass(frozen=True, slots=True)
class MaterializationFilter:
    """Which materializations."""

    asset_ids: Ids = ()
    flow_run_ids: Ids = ()
    task_run_ids: Ids = ()
    succeeded: bool | None = None
