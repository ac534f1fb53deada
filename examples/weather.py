"""Four years of Seattle's weather: extract, validate, a task a month, a join with another year, a table and a plot.

Run it by itself with `python examples/weather.py`; `make demo` deploys it and runs it on a worker.
"""

from __future__ import annotations

import csv
import datetime
import pathlib
import statistics
from typing import Any

from headrace import flow, get_run_logger, runtime, task
from headrace.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact

DATA = pathlib.Path(__file__).parent / "data"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Row = dict[str, str]
Day = dict[str, Any]


@task
def extract(name: str) -> list[Row]:
    """Read a CSV file of the data folder."""
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    get_run_logger().info("read %d rows of %s", len(rows), name)
    return rows


@task
def validate(rows: list[Row], first_year: int, last_year: int) -> list[Day]:
    """Turn rows into days; a row that cannot be true fails the task."""
    days: list[Day] = []
    for number, row in enumerate(rows, start=2):
        day: Day = {
            "date": datetime.date.fromisoformat(row["date"].replace("/", "-")),
            "precipitation": float(row["precipitation"]),
            "high": float(row["temp_max"]),
            "low": float(row["temp_min"]),
            "weather": row["weather"],
        }
        if day["low"] > day["high"] or not -40 < day["low"] < 50 or day["precipitation"] < 0:
            raise ValueError(f"line {number} cannot be true: {row}")
        if first_year <= day["date"].year <= last_year:
            days.append(day)
    if not days:
        raise ValueError(f"no days from {first_year} to {last_year}")
    return days


@task(task_run_name="summarise {year}-{month:02}")
def summarise(year: int, month: int, days: list[Day]) -> dict[str, Any]:
    """Return the figures of one month."""
    return {
        "year": year,
        "month": month,
        "high": round(statistics.fmean(day["high"] for day in days), 2),
        "low": round(statistics.fmean(day["low"] for day in days), 2),
        "rain": round(sum(day["precipitation"] for day in days), 1),
        "wet_days": sum(day["weather"] in ("rain", "snow", "drizzle") for day in days),
    }


@task
def normals(rows: list[Row]) -> dict[int, float]:
    """Return the mean temperature of each month of 2010 in °C."""
    by_month: dict[int, list[float]] = {}
    for row in rows:
        by_month.setdefault(int(row["date"][5:7]), []).append((float(row["temp"]) - 32) / 1.8)
    return {month: round(statistics.fmean(values), 2) for month, values in sorted(by_month.items())}


@task
def join(months: list[dict[str, Any]], means_2010: dict[int, float]) -> list[dict[str, Any]]:
    """Put the months beside those of 2010."""
    return [
        {**month, "than_2010": round((month["high"] + month["low"]) / 2 - means_2010[month["month"]], 2)}
        for month in sorted(months, key=lambda month: (month["year"], month["month"]))
    ]


@task(retries=2, retry_delay_seconds=0.2)
def publish(table: list[dict[str, Any]]) -> str:
    """Make the table an artifact. The first try fails, to show a retry."""
    if runtime.task_run.run_count == 1:
        raise ConnectionError("the report server did not answer (on purpose: the next try succeeds)")
    warmest = max(table, key=lambda month: month["high"])
    create_table_artifact(table, key="seattle-months", description="Seattle, month by month, beside 2010")
    return f"{MONTHS[warmest['month'] - 1]} {warmest['year']}"


@task
def plot(table: list[dict[str, Any]]) -> None:
    """Draw highs, lows and rain as an image artifact."""
    create_image_artifact(
        _draw(table).encode(),
        key="seattle-plot",
        description="Mean high (red) and low (blue) by month, with rain (grey)",
        media_type="image/svg+xml",
    )


def _draw(table: list[dict[str, Any]]) -> str:
    width, height, base = 24 * len(table) + 40, 320, 280
    most_rain = max(month["rain"] for month in table)

    def x(index: int) -> float:
        return 30 + 24 * index

    def y(celsius: float) -> float:
        return base - 40 - celsius * 6

    bars = "".join(
        f'<rect x="{x(i):.0f}" y="{base - month["rain"] / most_rain * 100:.1f}" width="16" '
        f'height="{month["rain"] / most_rain * 100:.1f}" fill="#cbd5e1"/>'
        for i, month in enumerate(table)
    )
    lines = "".join(
        f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
        + " ".join(f"{x(i) + 8:.0f},{y(month[name]):.1f}" for i, month in enumerate(table))
        + '"/>'
        for name, colour in (("high", "#dc2626"), ("low", "#2563eb"))
    )
    years = "".join(
        f'<text x="{x(i):.0f}" y="{base + 20}" font-family="sans-serif" font-size="12">{month["year"]}</text>'
        for i, month in enumerate(table)
        if month["month"] == 1 or i == 0
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="white"/>{bars}{lines}{years}</svg>'
    )


@flow(name="seattle-weather", log_prints=True)
def seattle_weather(first_year: int = 2012, last_year: int = 2015) -> str:
    """Summarise Seattle's weather from one year to another; returns the warmest month."""
    daily = extract.submit("seattle-weather.csv")
    hourly = extract.submit("seattle-temps.csv")
    days = validate.submit(daily, first_year, last_year).result()
    means_2010 = normals.submit(hourly)
    by_month: dict[tuple[int, int], list[Day]] = {}
    for day in days:
        by_month.setdefault((day["date"].year, day["date"].month), []).append(day)
    months = summarise.map([year for year, _ in by_month], [month for _, month in by_month], list(by_month.values()))
    table = join.submit(months, means_2010)
    drawn = plot.submit(table)
    warmest = publish.submit(table).result()
    drawn.wait()
    print(f"The warmest month was {warmest}.")
    create_markdown_artifact(
        f"**{warmest}** was the warmest of {len(by_month)} months from {first_year} to {last_year}.",
        key="seattle-summary",
    )
    return warmest


if __name__ == "__main__":
    seattle_weather()
