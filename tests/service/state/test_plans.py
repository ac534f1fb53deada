"""Orders of lists and what serves them: a page is read along an index, however many runs there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
import orjson
import pytest
import sqlalchemy as sa

from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.core import compile_core
from headrace_chassis.database import Database
from headrace_harness.history import seed_runs
from headrace_state import tables
from headrace_state.queries import artifacts, filters, flow_run_reads, flows, pages, task_run_reads
from headrace_state.rules.filters import ArtifactFilter, FlowFilter, FlowRunFilter, TaskRunFilter

LISTS: list[tuple[sa.Table, Mapping[str, pages.Order], Any]] = [
    (tables.flow, flows.ORDERS, filters.flow_conditions(DEFAULT_WORKSPACE_ID, FlowFilter())),
    (tables.flow_run, flow_run_reads.ORDERS, filters.flow_run_conditions(DEFAULT_WORKSPACE_ID, FlowRunFilter())),
    (tables.task_run, task_run_reads.ORDERS, filters.task_run_conditions(DEFAULT_WORKSPACE_ID, TaskRunFilter())),
    (tables.artifact, artifacts.ORDERS, filters.artifact_conditions(DEFAULT_WORKSPACE_ID, ArtifactFilter())),
]
SORTED_IN_MEMORY = {("task_run", "NAME_ASC"), ("task_run", "NAME_DESC"), ("task_run", "RUN_TIME_DESC")}


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a plan, the top first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


@pytest.mark.usefixtures("breaks_invariants")
async def test_every_order_is_read_along_an_index(database: Database, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    await seed_runs(owner, 300, task_runs_each=1)
    await owner.close()
    async with database.transaction() as connection:
        for way in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            await connection.execute(f"set local {way} = off")
        for table, orders, conditions in LISTS:
            identifier = f"{table.name}_id"
            for name, order in orders.items():
                if (table.name, name) in SORTED_IN_MEMORY:
                    continue
                first = pages.page(table, list(table.c), conditions, order, identifier, None, 3)
                text, arguments = compile_core(first)
                rows = await connection.fetch(text, *arguments)
                statements = [first]
                if rows:
                    key = pages.key_of(rows[-1], order, identifier)
                    statements.append(pages.page(table, list(table.c), conditions, order, identifier, key, 3))
                for statement in statements:
                    text, arguments = compile_core(statement)
                    [[plan]] = await connection.fetch(f"explain (format json) {text}", *arguments)
                    found = list(nodes_of((plan if isinstance(plan, list) else orjson.loads(plan))[0]["Plan"]))
                    kinds = [node["Node Type"] for node in found]
                    assert "Seq Scan" not in kinds, (table.name, name)
                    for node in found:
                        # At most the rows of two walks are put together by sorting, or ties by the id.
                        if node["Node Type"] == "Sort":
                            assert {child["Node Type"] for child in node["Plans"]} == {"Append"}, (table.name, name)
                    scanned = {node["Index Name"] for node in found if "Index Name" in node}
                    assert scanned, (table.name, name)


@pytest.mark.usefixtures("breaks_invariants")
@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("tags @> array['nightly'] and tags <> '{}'", "flow_run_tags_idx"),
        ("labels @> '{\"team\": \"a\"}' and labels <> '{}'", "flow_run_labels_idx"),
    ],
)
async def test_searches_use_their_indexes_behind_row_security(database: Database, condition: str, index: str) -> None:
    async with database.transaction() as connection:
        for way in ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan"):
            await connection.execute(f"set local {way} = off")
        [[plan]] = await connection.fetch(f"explain (format json) select flow_run_id from flow_run where {condition}")
        read = orjson.loads(plan) if isinstance(plan, str | bytes) else plan
        assert index in {node.get("Index Name") for node in nodes_of(read[0]["Plan"])}
