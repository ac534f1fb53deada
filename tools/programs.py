"""Install the programs that some tests drive, on Debian and with the rights of root.

`make programs` runs it, `make test-programs` drives them. Where it cannot, those tests are left out and say what they
lack.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Program -> package of Debian.
PROGRAMS = {
    "chromium": "chromium",
    "slapd": "slapd",
    "ldapsearch": "ldap-utils",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
POLICY = Path("/usr/sbin/policy-rc.d")
_TRIES = 3


def missing() -> list[str]:
    """Return the packages of which a program is not there."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    return sorted({package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None})


@contextlib.contextmanager
def without_daemons() -> Iterator[None]:
    """Keep packages from starting their servers: tests start their own, on ports of their own."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def main() -> int:
    """Install what is missing; return 0 in any case, since tests can do without."""
    packages = missing()
    if not packages:
        return 0
    words = " ".join(packages)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"programs: tests that need {words} will be left out; as root: apt-get install {words}")
        return 0
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    print(f"programs: installing {words}", flush=True)
    with without_daemons():
        for _ in range(_TRIES):
            commands = (["apt-get", "update", "-qq"], install)
            codes = [
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment).returncode
                for command in commands
            ]
            if codes[-1] == 0:
                break
    if left := missing():
        print(f"programs: tests that need {' '.join(left)} will be left out; they could not be installed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
