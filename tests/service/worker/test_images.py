"""Images are built and pushed by an engine that speaks the documented API."""

from __future__ import annotations

import asyncio
import logging
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace.steps import StepFailed, read_steps, run_steps
from headrace_harness.docker_engine import DockerEngine

logger = logging.getLogger("test")


@pytest.fixture
async def engine(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DockerEngine]:
    """The engine that this process finds; the current folder has code."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "flows.py").write_text("")
    (tmp_path / "code" / "requirements.txt").write_text("")
    monkeypatch.chdir(tmp_path / "code")
    monkeypatch.setenv("HOME", str(tmp_path))
    made = DockerEngine(tmp_path, set())
    async with made.serving() as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        yield made


async def run(*items: dict[str, Any]) -> dict[str, Any]:
    return await asyncio.to_thread(run_steps, read_steps(items), logger=logger)


async def test_a_folder_becomes_an_image_that_is_pushed(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    engine.registry_password = "pa55-word"
    monkeypatch.setenv("REGISTRY_PASSWORD", "pa55-word")
    credentials = {"username": "me", "password": "{{ $REGISTRY_PASSWORD }}"}
    name = "registry.test:5000/team/flows"
    outputs = await run(
        {"build_docker_image": {"id": "image", "image_name": name, "tag": "1", "dockerfile": "auto"}},
        {
            "push_docker_image": {
                "image_name": "{{ image.image_name }}",
                "tag": "{{ image.tag }}",
                "credentials": credentials,
            }
        },
    )
    assert outputs["image"]["image"] == outputs["push_docker_image"]["image"] == f"{name}:1"
    assert engine.registry == {f"{name}:1"}
    build = engine.builds[f"{name}:1"]
    assert {"flows.py", "requirements.txt"} <= build.files
    assert "WORKDIR /opt/code" in build.dockerfile
    assert "pip install --no-cache-dir -r requirements.txt" in build.dockerfile
    assert hidden_files() == []
    written = capfd.readouterr()
    assert "Successfully built" in written.out
    assert "pa55-word" not in written.out + written.err


def write_dockerfile(text: str) -> None:
    pathlib.Path("Dockerfile").write_text(text)


def hidden_files() -> list[str]:
    return [path.name for path in pathlib.Path(".").iterdir() if path.name.startswith(".")]


async def test_a_dockerfile_of_ones_own_is_used(engine: DockerEngine) -> None:
    write_dockerfile("FROM scratch\nARG A\n")
    await run({"build_docker_image": {"image_name": "flows", "build_args": {"A": "1"}}})
    assert engine.builds["flows:latest"].dockerfile.startswith("FROM scratch")
    assert engine.builds["flows:latest"].arguments == {"A": "1"}


async def test_what_fails_says_why_without_secrets(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dockerfile("FROM scratch\nRUN false\n")
    with pytest.raises(StepFailed, match="RUN false returned a non-zero code"):
        await run({"build_docker_image": {"image_name": "flows"}})
    monkeypatch.setenv("REGISTRY_PASSWORD", "wr0ng-word")
    credentials = {"username": "me", "password": "{{ $REGISTRY_PASSWORD }}"}
    engine.registry_password = "right"
    with pytest.raises(StepFailed, match=r"denied: \*+ is wrong"):
        await run({"push_docker_image": {"image_name": "flows", "credentials": credentials}})
