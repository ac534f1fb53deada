"""Steps that bring code, with real programs and folders."""

from __future__ import annotations

import base64
import http.server
import logging
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from headrace import errors
from headrace.steps import StepFailed, read_steps, run_steps

logger = logging.getLogger("test")


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The current folder; what steps change is changed back."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "")
    return tmp_path / "here"


def run(*items: dict[str, Any]) -> dict[str, Any]:
    return run_steps(read_steps(items), logger=logger)


def git(folder: pathlib.Path, *arguments: str) -> str:
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> pathlib.Path:
    """A repository with two commits on main, a branch and a submodule."""
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet", "-b", "main")
    (inner / "inner.txt").write_text("of the submodule")
    git(inner, "add", ".")
    git(inner, "commit", "--quiet", "-m", "inner")
    made = tmp_path / "code.git"
    made.mkdir()
    git(made, "init", "--quiet", "-b", "main")
    (made / "sub").mkdir()
    (made / "sub" / "word.txt").write_text("first")
    git(made, "submodule", "add", "--quiet", str(inner), "module")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "-m", "first")
    git(made, "checkout", "--quiet", "-b", "side")
    (made / "sub" / "word.txt").write_text("side")
    git(made, "commit", "--quiet", "-am", "side")
    git(made, "checkout", "--quiet", "main")
    (made / "sub" / "word.txt").write_text("second")
    git(made, "commit", "--quiet", "-am", "second")
    return made


def test_outputs_feed_later_steps(folder: pathlib.Path) -> None:
    outputs = run(
        {"run_shell_script": {"id": "who", "script": "echo me\necho too"}},
        {"run_shell_script": {"script": "echo $NAME $(pwd)", "env": {"NAME": "{{ who.stdout }}"}, "directory": "/"}},
    )
    assert outputs["who"] == {"stdout": "me\ntoo"}
    assert outputs["run_shell_script"] == {"stdout": "me too /"}


def test_the_first_command_that_fails_ends_a_script(folder: pathlib.Path) -> None:
    with pytest.raises(StepFailed, match="step check failed: sh ended with exit code 3: before"):
        run({"run_shell_script": {"id": "check", "script": "echo before\n(exit 3)\ntouch after"}})
    assert not (folder / "after").exists()


def test_a_step_may_be_a_function_of_ones_own(folder: pathlib.Path) -> None:
    (folder / "own_steps.py").write_text("def double(number):\n    return {'twice': number * 2}\n")
    assert run({"own_steps.double": {"number": 21}})["double"] == {"twice": 42}


def test_secrets_are_neither_printed_nor_in_errors(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UPLOAD_TOKEN", "t0p-s3cret")
    with pytest.raises(StepFailed) as raised:
        run({"run_shell_script": {"script": "echo it is $IT; false", "env": {"IT": "{{ $UPLOAD_TOKEN }}"}}})
    assert "it is ********" in str(raised.value)
    written = capfd.readouterr()
    assert "it is ********" in written.out
    assert "t0p-s3cret" not in written.out + written.err + str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(("branch", "word"), [(None, "second"), ("side", "side")])
def test_a_branch_is_cloned(repository: pathlib.Path, branch: str | None, word: str) -> None:
    outputs = run({"git_clone": {"repository": str(repository), "branch": branch, "directory": "sub"}})
    assert pathlib.Path("word.txt").read_text() == word
    assert os.getcwd() == outputs["git_clone"]["directory"]
    assert outputs["git_clone"]["commit"] == git(repository, "rev-parse", branch or "main")


@pytest.mark.parametrize("depth", [None, 1])
def test_a_commit_is_cloned_whatever_its_branch_has_become(repository: pathlib.Path, depth: int | None) -> None:
    first = git(repository, "rev-parse", "main~1")
    url = f"file://{repository}"
    assert run({"git_clone": {"repository": url, "commit": first, "depth": depth}})["git_clone"]["commit"] == first
    assert pathlib.Path("sub/word.txt").read_text() == "first"


def test_a_clone_that_is_there_is_brought_up_to_date(folder: pathlib.Path, repository: pathlib.Path) -> None:
    run({"git_clone": {"repository": str(repository), "branch": "side"}})
    pathlib.Path("sub/word.txt").write_text("changed by a run")
    os.chdir(folder)
    run({"git_clone": {"repository": str(repository)}})
    assert pathlib.Path("sub/word.txt").read_text() == "second"


def test_submodules_are_cloned_on_request(repository: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("COUNT", "1"), ("KEY_0", "protocol.file.allow"), ("VALUE_0", "always")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    run({"git_clone": {"repository": str(repository), "include_submodules": True}})
    assert pathlib.Path("module/inner.txt").read_text() == "of the submodule"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"branch": "nothing"}, "git fetch: .*nothing"),
        ({"commit": "0" * 40}, "git checkout"),
        ({"commit": "main; rm -rf /"}, "must be the hash of a commit"),
        ({"directory": "nothing"}, "has no folder nothing"),
        ({"directory": "../.."}, "has no folder"),
        ({"access_token": "abcdef"}, "by http or https only"),
    ],
)
def test_what_cannot_be_cloned_says_why(repository: pathlib.Path, inputs: dict[str, str], said: str) -> None:
    with pytest.raises(StepFailed, match=said):
        run({"git_clone": {"repository": str(repository), **inputs}})


class Private(http.server.SimpleHTTPRequestHandler):
    """Gives a repository to whoever knows the password."""

    expected = "Basic " + base64.b64encode(b"me:pass-w0rd").decode()

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != self.expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="code"')
            self.end_headers()
            return
        super().do_GET()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def log_error(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def private_url(repository: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[str]:
    """The repository behind a password."""
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "served/code.git")
    git(tmp_path / "served" / "code.git", "update-server-info")
    root = str(tmp_path / "served")
    handler = type("Handler", (Private,), {"__init__": lambda self, *a: Private.__init__(self, *a, directory=root)})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/code.git"
    server.shutdown()
    server.server_close()
    thread.join()


def test_credentials_open_a_private_repository_and_leave_no_trace(
    private_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CODE_PASSWORD", "pass-w0rd")
    credentials = {"username": "me", "password": "{{ $CODE_PASSWORD }}"}
    run({"git_clone": {"repository": private_url, "credentials": credentials}})
    assert pathlib.Path("sub/word.txt").read_text() == "second"
    kept = pathlib.Path(".git/config").read_text()
    written = capfd.readouterr()
    for text in (kept, written.out, written.err):
        assert "pass-w0rd" not in text
        assert Private.expected.removeprefix("Basic ") not in text


def test_a_wrong_password_is_an_error_without_the_password(private_url: str) -> None:
    with pytest.raises(StepFailed) as raised:
        run({"git_clone": {"repository": private_url, "credentials": {"username": "me", "password": "wr0ng-one"}}})
    assert "git fetch" in str(raised.value)
    assert "wr0ng-one" not in str(raised.value)


def test_a_folder_goes_to_a_storage_and_comes_back(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (folder / "pkg").mkdir()
    (folder / "pkg" / "a.py").write_text("A = 1\n")
    (folder / "data.csv").write_text("1,2\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("")
    (folder / ".headraceignore").write_text("# large\n*.csv\n")
    url = (tmp_path / "storage" / "code").as_uri()
    outputs = run({"push_to_remote": {"id": "copy", "url": url}})
    assert outputs["copy"] == {"url": url, "files": "2"}
    os.chdir(tmp_path)
    outputs = run({"pull_from_remote": {"url": url, "directory": "back"}})
    assert os.getcwd() == str(tmp_path / "back") == outputs["pull_from_remote"]["directory"]
    found = {path.relative_to(".").as_posix() for path in pathlib.Path(".").rglob("*") if path.is_file()}
    assert found == {"pkg/a.py", ".headraceignore"}
    with pytest.raises(StepFailed, match="nothing at"):
        run({"pull_from_remote": {"url": (tmp_path / "nothing").as_uri()}})


def test_the_working_folder_is_set(tmp_path: pathlib.Path) -> None:
    assert run({"set_working_directory": {"directory": str(tmp_path)}})
    assert os.getcwd() == str(tmp_path)
    with pytest.raises(StepFailed, match="no folder /nothing/here"):
        run({"set_working_directory": {"directory": "/nothing/here"}})


def test_requirements_are_installed_for_this_run_alone(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    package = tmp_path / "headrace_test_package"
    package.mkdir()
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (package / "backend.py").write_text(BACKEND)
    (folder / "requirements.txt").write_text(f"{package}\n")
    run({"pip_install_requirements": {"target": "packages", "options": ["--no-build-isolation", "--no-deps"]}})
    code = "import headrace_installed; print(headrace_installed.VALUE)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "7\n"
    assert sys.path[0] == str(folder / "packages")


BACKEND = """\
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "headrace_installed-1.0-py3-none-any.whl"
    info = "headrace_installed-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("headrace_installed.py", "VALUE = 7\\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: headrace-installed\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""


def test_a_step_that_needs_something_says_what(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StepFailed, match="there is no file"):
        run({"pip_install_requirements": {}})
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/nothing.sock")
    with pytest.raises(StepFailed, match="No Docker Engine listens"):
        run({"build_docker_image": {"image_name": "x", "directory": str(folder)}})
    with pytest.raises(errors.InvalidArgument, match="there is no step 'nothing'"):
        read_steps([{"nothing": {}}])
