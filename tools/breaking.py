"""Compare `protos/` with the contracts that others may rely on already, and fail where a change would break them.

The base is what `BREAKING_BASE` names (any commit); else the last release (tag `v*`); else `origin/main`. Without any
of these, or where the base has no contracts yet, there is nothing to break, and that is said.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def git(*arguments: str) -> str | None:
    """Return what git answers, or None where it refuses."""
    answer = subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True, text=True)
    return answer.stdout.strip() if answer.returncode == 0 else None


def base_commit() -> str | None:
    """Return the commit to compare with, or None.

    Raises:
        SystemExit: `BREAKING_BASE` names no commit.
    """
    asked = os.environ.get("BREAKING_BASE")
    if asked:
        commit = git("rev-parse", "--verify", "--quiet", f"{asked}^{{commit}}")
        if commit is None:
            sys.exit(f"breaking: BREAKING_BASE={asked} is no commit of this repository")
        return commit
    release = git("describe", "--tags", "--abbrev=0", "--match", "v*")
    return git("rev-parse", "--verify", "--quiet", f"{release or 'origin/main'}^{{commit}}")


def main() -> int:
    """Compare, and return the exit code."""
    commit = base_commit()
    if commit is None:
        print("breaking: nothing to compare with (no release tag, no origin/main)")
        return 0
    if not git("ls-tree", commit, "protos/headrace/", "buf.yaml"):
        print(f"breaking: nothing to compare with (no contracts in {commit[:12]})")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "base.tar"
        subprocess.run(["git", "archive", "--output", archive, commit, "protos", "buf.yaml"], cwd=ROOT, check=True)
        subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
        archive.unlink()
        buf = Path(sys.executable).parent / "buf"
        result = subprocess.run([buf, "breaking", "--against", folder], cwd=ROOT, check=False)
    print(f"breaking: compared with {commit[:12]}: {'compatible' if result.returncode == 0 else 'NOT compatible'}")
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
