"""Profiles: named sets of settings in `$HEADRACE_HOME/profiles.toml`, one of which is active.

The file is meant to be read and edited by people:

    active = "work"

    [profiles.work]
    HEADRACE_API_URL = "http://127.0.0.1:4200"
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import tempfile
import tomllib
from collections.abc import Mapping

from headrace import errors

DEFAULT_PROFILE = "default"
"""The profile that holds while none has been chosen."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ProfileError(errors.FailedPrecondition):
    """The profiles file cannot be used as it is; the message says how to go on."""

    default_reason = "PROFILES_INVALID"


@dataclasses.dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles of a home folder.

    Args:
        path: The file that they came from and are saved to.
        active: The profile that holds where nobody names another; None if none was chosen.
        values: Settings by profile, each by the name of its environment variable.
    """

    path: pathlib.Path
    active: str | None = None
    values: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)

    @property
    def has_active(self) -> bool:
        """Whether a profile was chosen."""
        return self.active is not None

    @property
    def names(self) -> list[str]:
        """All profiles by name, with the default one even if it is empty."""
        return sorted({*self.values, DEFAULT_PROFILE})

    def values_of(self, name: str | None = None) -> tuple[str, Mapping[str, str]]:
        """Return a profile's name and settings.

        Args:
            name: Which one; None is the active one.

        Raises:
            ProfileError: There is no such profile.
        """
        wanted = name or self.active or DEFAULT_PROFILE
        found = self.values.get(wanted)
        if found is None and wanted != DEFAULT_PROFILE:
            origin = "HEADRACE_PROFILE" if name else str(self.path)
            raise ProfileError(
                f"{origin} names the profile {wanted!r}, which does not exist. Profiles are: "
                f"{', '.join(self.names)}. Create it with: headrace profile create {wanted}",
                reason="PROFILE_UNKNOWN",
            )
        return wanted, found or {}

    def with_values(self, name: str, values: Mapping[str, str]) -> Profiles:
        """Return the profiles with `name` holding exactly `values`.

        Raises:
            errors.InvalidArgument: The name cannot be one of a profile.
        """
        if not _NAME.fullmatch(name):
            raise errors.InvalidArgument.of_field("profile", "a name has 1 to 64 of A-Z a-z 0-9 _ -")
        return dataclasses.replace(self, values={**self.values, name: dict(values)})

    def without(self, name: str) -> Profiles:
        """Return the profiles without `name`; if it was active, none is."""
        left = {other: values for other, values in self.values.items() if other != name}
        return dataclasses.replace(self, values=left, active=None if self.active == name else self.active)

    def renamed(self, name: str, new: str) -> Profiles:
        """Return the profiles with `name` called `new`; it stays active if it was.

        Raises:
            ProfileError: There is no such profile.
            errors.AlreadyExists: Another one is called that.
            errors.InvalidArgument: The name cannot be one of a profile.
        """
        _, values = self.values_of(name)
        if new in self.values:
            raise errors.AlreadyExists(f"There is a profile named '{new}' already.")
        is_active = name == (self.active or DEFAULT_PROFILE)
        moved = self.without(name).with_values(new, values)
        return moved.activated(new) if is_active else moved

    def activated(self, name: str) -> Profiles:
        """Return the profiles with `name` active.

        Raises:
            ProfileError: There is no such profile.
        """
        self.values_of(name)
        return dataclasses.replace(self, active=name)


def load_profiles(path: pathlib.Path) -> Profiles:
    """Return the profiles in a file; a file that does not exist has none.

    Raises:
        ProfileError: The file cannot be read or is not what it should be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Profiles(path)
    except NotADirectoryError:
        return Profiles(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"the profiles file {path} cannot be read: {error}. {_way_out(path)}") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"the profiles file {path} is not valid TOML: {error}. {_way_out(path)}") from error
    return _checked(path, document)


def save_profiles(profiles: Profiles) -> None:
    """Write the profiles to their file, whole or not at all, readable by the owner only.

    Raises:
        ProfileError: The file cannot be written.
    """
    lines = [] if profiles.active is None else [f"active = {json.dumps(profiles.active)}", ""]
    for name in sorted(profiles.values):
        lines.append(f"[profiles.{json.dumps(name)}]")
        # A JSON string is a valid TOML basic string, apart from DEL, which settings do not contain.
        lines.extend(
            f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in sorted(profiles.values[name].items())
        )
        lines.append("")
    path = profiles.path
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=path.name, dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        pathlib.Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            pathlib.Path(temporary).unlink(missing_ok=True)
        raise ProfileError(f"the profiles file {path} cannot be written: {error.strerror or error}") from error


def _checked(path: pathlib.Path, document: dict[str, object]) -> Profiles:
    unknown = sorted(set(document) - {"active", "profiles"})
    if unknown:
        raise ProfileError(f"the profiles file {path} has an unknown key {unknown[0]!r}. {_way_out(path)}")
    active, tables = document.get("active"), document.get("profiles", {})
    if active is not None and not isinstance(active, str):
        raise ProfileError(f"`active` in {path} must be a profile's name in quotes. {_way_out(path)}")
    if not isinstance(tables, dict):
        raise ProfileError(f"`profiles` in {path} must be a table of profiles. {_way_out(path)}")
    values: dict[str, dict[str, str]] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ProfileError(f"`profiles.{name}` in {path} must be a table of settings. {_way_out(path)}")
        values[name] = {key: _as_text(path, name, key, value) for key, value in table.items()}
    return Profiles(path, active, values)


def _as_text(path: pathlib.Path, profile: str, key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ProfileError(f"`{key}` of profile {profile!r} in {path} must be a string, number or bool. {_way_out(path)}")


def _way_out(path: pathlib.Path) -> str:
    return f"Correct the file, or start afresh with: mv '{path}' '{path}.broken'"
