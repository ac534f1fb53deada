"""Flows call flows: each is a run of its own, and several run side by side where they are asynchronous."""

import asyncio
import datetime

from headrace import flow, runtime, tags, task


@task
async def measure(station: str, day: datetime.date) -> float:
    await asyncio.sleep(0.05)
    return float(len(station) + day.day)


@flow(flow_run_name="{station} on {day}")
async def station_report(station: str, day: datetime.date) -> float:
    morning, evening = await asyncio.gather(measure(station, day), measure(station, day))
    return morning + evening


@flow(log_prints=True)
async def daily_report(day: datetime.date, stations: tuple[str, ...] = ("weir", "sluice", "mill")) -> float:
    with tags("daily"):
        reports = await asyncio.gather(*(station_report(station, day) for station in stations))
    print(f"{runtime.flow_run.name}: {sum(reports)} on {day}")
    return sum(reports)


if __name__ == "__main__":
    asyncio.run(daily_report(datetime.date(2024, 5, 1)))
