"""A deployment without parameters: `python greeter.py POOL` hands it over."""

from __future__ import annotations

import sys

from headrace import flow, get_run_logger


@flow(name="greeter")
def greeter() -> None:
    get_run_logger().info("hello from the worker")


if __name__ == "__main__":
    greeter.deploy("test", sys.argv[1])
