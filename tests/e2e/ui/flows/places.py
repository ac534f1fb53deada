"""Flows, deployments and all that belongs to them, for the pages to show."""

from __future__ import annotations

import datetime
import enum
import pathlib
import sys
import time
from typing import Literal

import pydantic

from headrace import Asset, add_asset_metadata, flow, materialize, task
from headrace.artifacts import create_markdown_artifact, create_table_artifact
from headrace.blocks import Block, SecretStr
from headrace.concurrency import concurrency
from headrace.deployments import serve
from headrace.variables import Variable


class Kind(enum.Enum):
    """How a report is made."""

    DAILY = "daily"
    WEEKLY = "weekly"


class Customer(pydantic.BaseModel):
    """Whom a report is for."""

    name: str = pydantic.Field(description="The full name", min_length=2)
    tier: Literal["gold", "silver"] = "gold"
    mails: list[str] = []


class Warehouse(Block):
    """Where the data are."""

    url: str
    password: SecretStr
    retries: int = 3


orders = Asset("s3://lake/orders.parquet", name="Orders", owners=["data"])


@materialize("s3://lake/raw.json")
def extract(rows: int) -> list[int]:
    return list(range(rows))


@materialize(orders, by="pandas", asset_deps=["postgres://shop/orders"])
def load(rows: list[int]) -> None:
    add_asset_metadata(orders, {"rows": len(rows)})


@materialize("s3://lake/report.html")
def render(rows: list[int]) -> None:
    if not rows:
        raise ValueError("there is nothing to report")


@flow(name="lake")
def lake(rows: int = 3) -> None:
    """Fill the lake from the shop, and report.

    Args:
        rows: How many rows there are; none lets it fail.
    """
    numbers = extract(rows)
    load(numbers)
    render(numbers)
    create_table_artifact([{"row": number} for number in numbers], key="rows", description="What was **extracted**.")
    create_markdown_artifact(f"# Report\n\n{rows} rows were read.", key="report")


@task
def wait_for(name: str) -> None:
    while not pathlib.Path(name).exists():
        time.sleep(0.02)


@flow(name="report")
def report(
    customer: Customer,
    day: datetime.date,
    kind: Kind = Kind.DAILY,
    limits: dict[str, int] | None = None,
    token: pydantic.SecretStr | None = None,
    is_draft: bool = False,
) -> str:
    """Write a report for a customer.

    Args:
        customer: Whom it is for.
        day: The day that it is about.
        kind: How it is made.
        limits: The most of each number.
        token: What it is signed with.
        is_draft: Whether it is not sent.
    """
    return f"{customer.name} {day} {kind.value} {len(customer.mails)} {is_draft}"


@flow(name="hold")
def hold(gate: str = "held-gate") -> None:
    """Hold slots until the gate is open."""
    with concurrency("places-database"):
        wait_for(gate)


def keep() -> None:
    """Save a block and variables."""
    Warehouse(url="postgresql://shop/main", password="a-secret-of-the-warehouse").save("places", overwrite=True)
    Variable.set("places_region", {"name": "eu-west-1", "zones": [1, 2]}, tags=["places"], overwrite=True)


if __name__ == "__main__":
    match sys.argv[1]:
        case "keep":
            keep()
        case "lake":
            lake(int(sys.argv[2]))
        case "hold":
            hold()
        case "serve":
            serve(
                lake.to_deployment("nightly", cron="0 3 * * *", timezone="Europe/Berlin", tags=["places"]),
                report.to_deployment("for-customers", parameters={"customer": {"name": "Ada"}}, tags=["places"]),
            )
        case "deploy":
            hold.deploy("in-mill", sys.argv[2], entrypoint="places.py:hold")
