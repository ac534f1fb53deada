"""Look up the locked packages in the database of known vulnerabilities; `make audit` runs it.

The database is on the network and changes without the code, so this is no part of `make check`. Where it cannot be
reached, or does not know the packages, there is no audit, and this says so.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

LOCK = pathlib.Path(__file__).resolve().parent.parent / "requirements" / "dev.lock"
ASK_SECONDS = 10
WHOLE_SECONDS = 120
_SAID = 300


def findings(report: dict[str, Any]) -> list[str]:
    """Return what a report of pip-audit finds, a line each."""
    return [
        f"{package['name']} {package['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or '-'}"
        for package in report["dependencies"]
        for found in package.get("vulns", ())
    ]


def read_report(output: str) -> dict[str, Any] | None:
    """Return the report that pip-audit wrote; None if it wrote none, since it could not ask."""
    try:
        report = json.loads(output)
    except ValueError:
        return None
    return report if isinstance(report, dict) and isinstance(report.get("dependencies"), list) else None


def main() -> int:
    """Audit the lock; return 1 if a package has a known vulnerability, and 0 otherwise."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip", "--require-hashes"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", str(ASK_SECONDS)]
    try:
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=WHOLE_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"audit: left out, the database did not answer within {WHOLE_SECONDS} s")
        return 0
    report = read_report(done.stdout)
    if report is None:
        said = done.stderr.strip().rpartition("\n")[2][:_SAID]
        print(f"audit: left out, the database cannot be asked ({said})")
        return 0
    found = findings(report)
    known = [package for package in report["dependencies"] if "skip_reason" not in package]
    if not known:
        print("audit: left out, the database knows none of the packages")
        return 0
    print("\n".join(found) or f"audit: {len(known)} packages, none with a known vulnerability")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
