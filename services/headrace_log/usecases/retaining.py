"""Deletes records by the rules of their workspaces, an hour of what was written at a time."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import uuid
from collections.abc import Sequence

from headrace_log.repository import RetentionStore, RunDeployments
from headrace_log.rules.retention import Band, RetentionRule, band_of, taken_by_deployments

SLICE = datetime.timedelta(hours=1)
SLICES = 24
"""Hours of what was written that are looked at for one rule in one go."""


async def retain(store: RetentionStore, runs: RunDeployments, now: datetime.datetime) -> bool:
    """Delete what no rule keeps any longer; return whether there is more to look at."""
    more = False
    for workspace_id, rules in (await store.load_rules()).items():
        for rule in rules:
            more |= await _sweep(store, runs, workspace_id, rule, rules, now)
    return more


async def _sweep(
    store: RetentionStore,
    runs: RunDeployments,
    workspace_id: uuid.UUID,
    rule: RetentionRule,
    rules: Sequence[RetentionRule],
    now: datetime.datetime,
) -> bool:
    cutoff = now - datetime.timedelta(days=rule.days)
    since = rule.swept_until
    for _ in range(SLICES):
        # What lies between is empty, even where a clock was years behind.
        oldest = await store.oldest(workspace_id, since)
        if oldest is None or oldest >= cutoff:
            if since is not None and since < cutoff:
                await store.save_swept(workspace_id, rule, cutoff)
            return False
        since = oldest
        until = min(since + SLICE, cutoff)
        await _sweep_slice(store, runs, workspace_id, rule, rules, since, until)
        await store.save_swept(workspace_id, rule, until)
        since, rule = until, dataclasses.replace(rule, swept_until=until)
    return since is not None and since < cutoff


async def _sweep_slice(
    store: RetentionStore,
    runs: RunDeployments,
    workspace_id: uuid.UUID,
    rule: RetentionRule,
    rules: Sequence[RetentionRule],
    since: datetime.datetime,
    until: datetime.datetime,
) -> None:
    band = band_of(rule, rules)
    taken = taken_by_deployments(rules)
    if not taken:
        await store.delete_records(workspace_id, since, until, band)
        return
    of: dict[str, list[uuid.UUID]] = collections.defaultdict(list)
    written = await store.list_runs(workspace_id, since, until)
    for run, deployment_id in (await runs.deployments(workspace_id, written)).items():
        of[deployment_id].append(run)
    if rule.deployment_id:
        if of[rule.deployment_id]:
            await store.delete_records(workspace_id, since, until, band, of_runs=of[rule.deployment_id])
        return
    apart = [run for deployment_id in taken for run in of[deployment_id]]
    await store.delete_records(workspace_id, since, until, band, not_of_runs=apart)
    for deployment_id, highest in taken.items():
        rest = Band(max(band.above, highest), band.up_to)
        if rest and of[deployment_id]:
            await store.delete_records(workspace_id, since, until, rest, of_runs=of[deployment_id])
