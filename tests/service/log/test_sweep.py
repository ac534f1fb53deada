from __future__ import annotations

import datetime
import uuid

from headrace.ids import uuid7
from headrace_chassis.loops import Loop
from headrace_chassis.partitions import PartitionKeeper
from headrace_chassis.service import Service, ServiceContext
from headrace_harness.logs import a_line, a_writer
from headrace_harness.postgres import service_database
from headrace_harness.services import running_service
from headrace_log.loops.sweep import SweepLoop
from headrace_log.queries.sweep import Sweeper
from headrace_log.wiring import build

UTC = datetime.UTC
DAY = datetime.timedelta(days=1)


async def test_lines_of_a_clock_that_is_years_behind_are_kept_as_long_as_others(database_url: str) -> None:
    loops: list[Loop] = []

    async def watched(context: ServiceContext) -> Service:
        made = await build(context)
        loops.extend(made.loops)
        return made

    async with (
        running_service("log", watched, database_url) as service,
        a_writer(service.channel) as writer,
        service_database(database_url, "log") as database,
    ):
        await writer.write([a_line("long ago", flow_run_id=str(uuid7()), at=datetime.datetime(1970, 1, 1, tzinfo=UTC))])
        for loop in loops:
            if isinstance(loop, PartitionKeeper | SweepLoop):
                await loop.tick()
        async with database.connection() as connection:
            assert await connection.fetchval("select message from record") == "long ago"


async def test_a_stretch_goes_with_its_records(database_url: str) -> None:
    run = uuid.uuid4()
    async with service_database(database_url, "log") as database, database.connection() as connection:
        for year in (1970, 1971):
            await connection.execute(
                """
                insert into stretch
                       (flow_run_id, last_at, last_position, workspace_id, after_at, after_position, settled, records,
                        grams)
                values ($1, make_timestamptz($2, 1, 2, 0, 0, 0), 1, $1, make_timestamptz($2, 1, 1, 0, 0, 0), 0, 1, 1,
                        '')
                """,
                run,
                year,
            )
        await connection.execute(
            """
            insert into record (position, occurred_at, workspace_id, flow_run_id, level, source, logger, message)
            values (1, '1971-01-01T12:00:00Z', $1, $1, 20, 1, '', '')
            """,
            run,
        )
        await SweepLoop(Sweeper(database), 30).tick()
        left = await connection.fetch("select extract(year from last_at)::int as year from stretch")
        assert [row["year"] for row in left] == [1971]


async def test_what_is_no_longer_needed_is_swept(database_url: str) -> None:
    workspace = uuid.uuid4()
    async with service_database(database_url, "log") as database:
        async with database.connection() as connection:
            for age in (0, 1, 2, 3, 31):
                at = datetime.datetime.now(datetime.UTC) - age * DAY - DAY / 24
                await connection.execute(
                    """
                    insert into writer (workspace_id, process_id, last_sequence, missing, seen_at)
                    values ($1, $2, 1, '{}', $3)
                    """,
                    workspace,
                    str(age),
                    at,
                )
                await connection.execute(
                    "insert into appended_batch (workspace_id, digest, recorded_at) values ($1, $2, $3)",
                    workspace,
                    str(age).encode(),
                    at,
                )
                await connection.execute(
                    """
                    insert into record
                           (position, occurred_at, recorded_at, workspace_id, level, source, logger, message)
                    values (1, '9998-01-01T00:00:00Z', $2, $1, 20, 1, '', $3)
                    """,
                    workspace,
                    at,
                    str(age),
                )
        assert await SweepLoop(Sweeper(database), 30).tick() == 0
        async with database.connection() as connection:
            kept = await connection.fetchrow(
                """
                select (select array_agg(process_id order by seen_at desc) from writer) as writers,
                       (select array_agg(convert_from(digest, 'UTF8')) from appended_batch) as batches,
                       (select array_agg(message order by recorded_at desc) from record) as records
                """
            )
        assert kept is not None
        assert tuple(kept) == (["0", "1"], ["0"], ["0", "1", "2", "3"])
        await SweepLoop(Sweeper(database), None).tick()
        async with database.connection() as connection:
            assert await connection.fetchval("select count(*) from record") == 4
