"""Looks for settings that are wrong, or that nobody reads because of how they are written."""

from __future__ import annotations

import dataclasses
import difflib
import pathlib
from collections.abc import Mapping

from headrace import errors
from headrace.profiles import load_profiles
from headrace.settings import SETTING_NAMES, check_setting

_PREFIX = "HEADRACE_"
_LIKENESS = 0.8
"""How alike a variable of the environment must be to a setting to be taken for that: others read variables, too."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong."""

    place: str
    """`environment`, or `profile NAME`."""
    setting: str
    text: str


def faults_of_settings(environ: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong in all profiles and in the environment.

    Args:
        environ: The environment.

    Raises:
        headrace.profiles.ProfileError: The profiles file cannot be read.
    """
    home = pathlib.Path(environ.get("HEADRACE_HOME") or "~/.headrace").expanduser()
    profiles = load_profiles(home / "profiles.toml")
    faults = []
    for name in sorted(profiles.values):
        for setting, value in sorted(profiles.values[name].items()):
            faults += _faults(f"profile {name}", setting, value)
    chosen = environ.get("HEADRACE_PROFILE")
    if chosen and chosen not in profiles.names:
        faults.append(Fault("environment", "HEADRACE_PROFILE", f"there is no profile {chosen!r}"))
    for setting, value in sorted(environ.items()):
        if setting.startswith(_PREFIX) and value and setting not in ("HEADRACE_HOME", "HEADRACE_PROFILE"):
            faults += _faults("environment", setting, value)
    return faults


def _faults(place: str, setting: str, value: str) -> list[Fault]:
    if setting not in SETTING_NAMES:
        alike = difflib.get_close_matches(setting, SETTING_NAMES, n=1, cutoff=_LIKENESS)
        hint = f"; did you mean {alike[0]}?" if alike else ""
        return [] if place == "environment" and not alike else [Fault(place, setting, f"is not a setting{hint}")]
    try:
        check_setting(setting, value)
    except errors.InvalidArgument as error:
        return [Fault(place, setting, violation.description) for violation in error.violations]
    return []
