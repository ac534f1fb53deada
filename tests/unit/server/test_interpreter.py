from __future__ import annotations

import pathlib
import subprocess

from headrace_server.interpreter import command


def test_modules_that_lie_where_a_server_is_started_are_not_loaded(tmp_path: pathlib.Path) -> None:
    for name in ("queue", "orjson", "click"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('loaded from the folder')")
    done = subprocess.run(
        command("headrace_server", "--help"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout
