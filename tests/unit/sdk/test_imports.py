from __future__ import annotations

import subprocess
import sys

import headrace

IMPORT_BUDGET_SECONDS = 0.1


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_headrace_loads_nothing_heavy() -> None:
    loaded = python("import sys, headrace; print(*sys.modules)").split()
    for heavy in (
        "grpc",
        "google",
        "pydantic",
        "asyncio",
        "logging",
        "sqlalchemy",
        "headrace_server",
        "headrace.flows",
    ):
        assert heavy not in loaded


def test_importing_headrace_is_quick() -> None:
    # The processor's time: what else the machine does shall not decide.
    code = "import time; t = time.process_time(); import headrace; print(time.process_time() - t)"
    assert min(float(python(code)) for _ in range(3)) < IMPORT_BUDGET_SECONDS


def test_flows_do_not_load_the_server() -> None:
    loaded = python("import sys; from headrace import flow, task; print(*sys.modules)").split()
    assert [name for name in loaded if name.startswith(("headrace_", "sqlalchemy", "asyncpg", "rich"))] == []


def test_every_public_name_can_be_loaded() -> None:
    for name in headrace.__all__:
        assert getattr(headrace, name) is not None
    assert set(headrace.__all__) <= set(dir(headrace))


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(headrace, "nothing_of_the_kind")
