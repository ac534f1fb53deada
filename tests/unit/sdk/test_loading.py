from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Iterator

import pytest

from headrace.engine.loading import LoadError, load_flow
from headrace.testing import LocalRuns

SOURCE = """
from headrace import flow, task
import headrace_test_helper

@task
def helped() -> str:
    return headrace_test_helper.VALUE

@flow
def hello(name: str = "you") -> str:
    return f"hello {name} {helped()}"

def plain() -> None: ...

class Group:
    @staticmethod
    @flow
    def inner() -> int:
        return 3

if __name__ == "__main__":
    raise SystemExit("must not run")
"""


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "greeting_flows.py").write_text(SOURCE)
    (tmp_path / "flows" / "headrace_test_helper.py").write_text("VALUE = 'with help'\n")
    (tmp_path / "flows" / "broken_flows.py").write_text("import headrace\nraise OSError('disk')\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if "flows" in name or name == "headrace_test_helper":
            del sys.modules[name]


def test_a_flow_of_a_file_finds_its_neighbours(folder: pathlib.Path, runs: LocalRuns) -> None:
    flow = load_flow("flows/greeting_flows.py:hello")
    assert flow("me") == "hello me with help"
    assert runs.task_runs()[0].task_key == "greeting_flows.helped"


def test_a_flow_of_a_module_is_found_from_the_folder(folder: pathlib.Path) -> None:
    assert load_flow("greeting_flows:hello", str(folder / "flows")).name == "hello"
    assert load_flow("greeting_flows:Group.inner", str(folder / "flows")).name == "inner"
    assert load_flow("greeting_flows.hello", str(folder / "flows")).name == "hello"


@pytest.mark.parametrize(
    ("entrypoint", "said"),
    [
        ("hello", "not an entrypoint"),
        ("flows/nothing.py:hello", "there is no file"),
        ("nothing.at.all:hello", "there is no module nothing.at.all"),
        ("flows/greeting_flows.py:nothing", "Flows in it: hello"),
        ("flows/greeting_flows.py:plain", "decorate the function with @flow"),
        ("flows/broken_flows.py:x", "OSError: disk"),
    ],
)
def test_what_cannot_be_loaded_says_why(folder: pathlib.Path, entrypoint: str, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        load_flow(entrypoint)


def test_a_file_named_as_a_known_module_does_not_take_its_place(folder: pathlib.Path) -> None:
    (folder / "json.py").write_text(
        SOURCE.replace("import headrace_test_helper", "").replace("headrace_test_helper.VALUE", "'x'")
    )
    assert load_flow("json.py:hello").name == "hello"
    assert sys.modules["json"] is json
