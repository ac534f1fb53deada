"""A flow that makes assets, artifacts and labels, and one that fails."""

from __future__ import annotations

import sys

from headrace import Asset, add_asset_metadata, flow, materialize, tags, task
from headrace.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

RAW = "s3://lake/raw"
ORDERS = Asset("s3://lake/orders", name="Orders", owners=["data"])


@materialize(RAW)
def extract(count: int) -> list[int]:
    """Make numbers."""
    return list(range(count))


@task
def double(rows: list[int]) -> list[int]:
    """Return twice the numbers."""
    return [2 * row for row in rows]


@materialize(ORDERS, by="lake", asset_deps=["postgres://shop/orders"])
def load(rows: list[int]) -> int:
    """Keep the numbers."""
    add_asset_metadata(ORDERS, {"rows": len(rows)})
    create_markdown_artifact(f"{len(rows)} rows", key="lake-report")
    progress = create_progress_artifact(0.0, key="lake-progress")
    update_progress_artifact(progress, 100.0)
    return len(rows)


@flow
def lake(count: int) -> int:
    """Fill the lake."""
    return load(double(extract(count)))


@flow
def leak(count: int) -> None:
    """Lose all of it."""
    raise ValueError(f"lost {count} rows")


if __name__ == "__main__":
    with tags(sys.argv[1]):
        lake(3)
        lake(4)
        leak(5, return_state=True)
