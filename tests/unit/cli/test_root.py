"""The command line as a whole: groups, errors and exit codes."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from headrace import __version__, errors
from headrace.cli import output


def headrace(home: pathlib.Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would."""
    return subprocess.run(
        [sys.executable, "-c", "from headrace.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"HEADRACE_HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "80", **environment},
    )


def test_the_version_is_told(tmp_path: pathlib.Path) -> None:
    assert headrace(tmp_path, "--version").stdout.strip() == __version__


def test_the_version_loads_neither_grpc_nor_click() -> None:
    code = (
        "import sys; sys.argv=['headrace','--version']; from headrace.cli import main; main();"
        "assert not {'grpc','click','pydantic','google.protobuf','rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    "group",
    [
        "artifact",
        "asset",
        "automation",
        "block",
        "bulk-operation",
        "concurrency-limit",
        "config",
        "deployment",
        "event",
        "flow",
        "flow-run",
        "profile",
        "server",
        "task-run",
        "variable",
        "version",
        "work-pool",
        "worker",
    ],
)
def test_every_group_has_help_without_a_server(tmp_path: pathlib.Path, group: str) -> None:
    found = headrace(tmp_path, group, "--help")
    assert found.returncode == 0, found.stderr
    assert "Usage: " in found.stdout


def test_an_unknown_command_is_a_usage_error(tmp_path: pathlib.Path) -> None:
    found = headrace(tmp_path, "nonsense")
    assert found.returncode == output.ExitCode.USAGE
    assert "nonsense" in found.stderr


def test_a_server_that_is_not_there_is_said_with_the_way_out(tmp_path: pathlib.Path) -> None:
    found = headrace(tmp_path, "flow", "ls", HEADRACE_API_URL="http://127.0.0.1:1")
    assert found.returncode == output.ExitCode.UNREACHABLE
    assert "http://127.0.0.1:1" in found.stderr
    assert "Traceback" not in found.stderr


def test_settings_are_kept_in_profiles(tmp_path: pathlib.Path) -> None:
    assert headrace(tmp_path, "profile", "create", "staging").returncode == 0
    assert headrace(tmp_path, "profile", "use", "staging").returncode == 0
    assert headrace(tmp_path, "config", "set", "HEADRACE_API_URL=http://127.0.0.1:9").returncode == 0
    view = headrace(tmp_path, "config", "view", "-o", "json")
    sources = {row["setting"]: (row["value"], row["source"]) for row in json.loads(view.stdout)}
    assert sources["HEADRACE_API_URL"] == ("http://127.0.0.1:9", "profile staging")
    assert headrace(tmp_path, "config", "unset", "HEADRACE_API_URL").returncode == 0
    assert "HEADRACE_API_URL" not in headrace(tmp_path, "config", "view", "-o", "json").stdout


def test_a_wrong_setting_is_refused_and_nothing_is_written(tmp_path: pathlib.Path) -> None:
    found = headrace(tmp_path, "config", "set", "HEADRACE_API_URL=nonsense")
    assert found.returncode == output.ExitCode.USAGE
    assert not (tmp_path / "profiles.toml").exists()


def test_a_corrupt_profiles_file_is_said_with_the_way_out(tmp_path: pathlib.Path) -> None:
    (tmp_path / "profiles.toml").write_text("not [ toml")
    found = headrace(tmp_path, "config", "view")
    assert found.returncode == output.ExitCode.REFUSED
    assert "profiles.toml" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotFound("x"), 3),
        (errors.InvalidArgument("x"), 2),
        (errors.Unavailable("x"), 4),
        (errors.DeadlineExceeded("x"), 4),
        (errors.PermissionDenied("x"), 5),
        (errors.LeaseLost("x"), 5),
        (errors.Internal("x"), 1),
    ],
)
def test_errors_end_with_their_code(error: errors.HeadraceError, code: int) -> None:
    assert output.exit_code_of(error) == code


def test_a_terminal_that_cannot_show_a_name_shows_its_code(tmp_path: pathlib.Path) -> None:
    done = headrace(tmp_path, "profile", "use", "\U0001f525", PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "\\U0001f525" in done.stderr
