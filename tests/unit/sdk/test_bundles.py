"""Code that travels with its runs."""

from __future__ import annotations

import importlib
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from headrace import flow
from headrace.deployments import bundles
from headrace.engine.pickling import is_importable

HELPER = """\
import pydantic


class Order(pydantic.BaseModel):
    count: int = 1
"""
FLOW = """\
from __future__ import annotations

import datetime

import sent_helper
from headrace import flow, task


@task
def days(order: sent_helper.Order) -> int:
    return order.count


@flow
def after(day: datetime.date, order: sent_helper.Order) -> datetime.date:
    return day + datetime.timedelta(days=days(order))
"""
ELSEWHERE = """\
import sys
from headrace.deployments import bundles
from headrace.engine.loading import load_flow
from headrace.testing import local_runs

bundles.fetch(**eval(sys.argv[1]))
with local_runs():
    found = load_flow(bundles.ENTRYPOINT)
    print(found.name, found("2024-05-01", {"count": 2}))
"""


@pytest.fixture
def project(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    """A folder with two modules of a project, which others do not have."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "sent_helper.py").write_text(HELPER)
    (folder / "sent_flow.py").write_text(FLOW)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in ("sent_helper", "sent_flow"):
        sys.modules.pop(name, None)


def test_a_flow_runs_where_neither_its_module_nor_what_that_imports_is(
    project: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    sent = importlib.import_module("sent_flow").after
    step = bundles.pack(sent, tmp_path / "storage")
    assert is_importable("sent_flow"), "it is by value while it is sent only"
    assert bundles.pack(sent, tmp_path / "storage") == step
    place = tmp_path / "elsewhere"
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, repr(dict(step.inputs))],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HEADRACE_HOME": str(tmp_path / "home")},
    )
    assert done.stdout.strip() == "after 2024-05-03", done.stderr


def test_what_cannot_be_sent_is_said(tmp_path: pathlib.Path) -> None:
    lock = threading.Lock()

    @flow
    def locked() -> None:
        with lock:
            return

    with pytest.raises(bundles.BundleFailed, match=r"the code of 'locked' cannot be sent: .*lock"):
        bundles.pack(locked, tmp_path)


def test_another_python_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(bundles.BundleFailed, match=r"sent by Python 2\.7"):
        bundles.fetch(str(tmp_path), "bundles/x", "2.7")
