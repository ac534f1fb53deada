"""Container images with the code in them, by the Docker Engine's own client."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from headrace import __version__, errors, extras
from headrace.docker_engine import open_engine
from headrace.steps.output import hide, keep_secret, say

AUTO = "auto"
"""In place of the path of a Dockerfile: one is made that copies the folder and installs its requirements."""

AUTO_FOLDER = "/opt/code"
"""Where the code is in an image whose Dockerfile was made."""
_PURPOSE = "Building and pushing images"
_AUTO_FILE = ".headrace.Dockerfile"


def build_docker_image(
    image_name: str,
    tag: str = "latest",
    dockerfile: str = "Dockerfile",
    directory: str = ".",
    build_args: Mapping[str, str] | None = None,
    platform: str | None = None,
    pull: bool = False,
    target: str | None = None,
) -> dict[str, str]:
    """Build an image with the Docker Engine that DOCKER_HOST names, or the one of this machine.

    Args:
        image_name: Name with the registry, without a tag.
        tag: Its tag.
        dockerfile: Path within the folder; `auto` makes one.
        directory: The folder that is sent to the engine.
        build_args: Values of the Dockerfile's ARGs.
        platform: Such as linux/amd64.
        pull: Whether newer base images are looked for.
        target: The stage to build.

    Returns:
        `image`, with its tag; `image_name`; `tag`; `image_id`.

    Raises:
        errors.HeadraceError: There is no engine, or the build failed; the message has its last words.
    """
    docker = extras.require("docker", "docker", _PURPOSE)
    folder = pathlib.Path(directory).absolute()
    image = f"{image_name}:{tag}"
    made = folder / _AUTO_FILE if dockerfile == AUTO else None
    if made is not None:
        made.write_text(_auto_dockerfile(folder), encoding="utf-8")
    try:
        with contextlib.closing(open_engine(_PURPOSE)) as client:
            lines = client.build(
                path=str(folder), tag=image, dockerfile=str(made) if made is not None else dockerfile,
                buildargs=dict(build_args or {}), platform=platform, pull=pull, target=target, rm=True, decode=True,
            )  # fmt: skip
            _follow(lines, "build")
            image_id = str(client.inspect_image(image)["Id"])
    except (docker.errors.DockerException, OSError, TypeError) as error:
        raise errors.FailedPrecondition(f"the image {image} could not be built: {error}") from error
    finally:
        if made is not None:
            made.unlink(missing_ok=True)
    say(f"Built {image}")
    return {"image": image, "image_name": image_name, "tag": tag, "image_id": image_id}


def push_docker_image(
    image_name: str, tag: str = "latest", credentials: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Push an image to its registry.

    Args:
        image_name: Name with the registry, without a tag.
        tag: Its tag.
        credentials: `username` and `password`, as of a block; by default those that `docker login` left.

    Returns:
        `image`, with its tag; `image_name`; `tag`.

    Raises:
        errors.HeadraceError: There is no engine, or the registry refuses it.
    """
    docker = extras.require("docker", "docker", _PURPOSE)
    keep_secret(dict(credentials or {}))
    image = f"{image_name}:{tag}"
    given = {key: str(value) for key, value in (credentials or {}).items() if key in ("username", "password")}
    try:
        with contextlib.closing(open_engine(_PURPOSE)) as client:
            _follow(client.push(image_name, tag=tag, stream=True, decode=True, auth_config=given or None), "push")
    except (docker.errors.DockerException, OSError) as error:
        raise errors.FailedPrecondition(f"the image {image} could not be pushed: {error}") from error
    say(f"Pushed {image}")
    return {"image": image, "image_name": image_name, "tag": tag}


def _follow(lines: Iterable[Mapping[str, Any]], what: str) -> None:
    """Show what the engine says; it tells of errors in its output only."""
    for line in lines:
        if "error" in line:
            raise errors.FailedPrecondition(hide(f"the {what} failed: {line['error']}"))
        text = str(line.get("stream") or "").rstrip()
        if text:
            say(text)


def _auto_dockerfile(folder: pathlib.Path) -> str:
    lines = [
        "FROM python:3.13-slim",
        f'RUN pip install --no-cache-dir "headrace=={__version__}"',
        f"WORKDIR {AUTO_FOLDER}",
    ]
    if (folder / "requirements.txt").is_file():
        lines += ["COPY requirements.txt .", "RUN pip install --no-cache-dir -r requirements.txt"]
    return "\n".join([*lines, "COPY . .", ""])
