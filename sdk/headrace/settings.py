"""Settings of the client side: the environment, then the profile, then the default; each knows where it came from.

Nothing is read at import. `get_settings()` is cheap enough for every flow run: it reads the environment again
and the profiles file only when that has changed.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import os
import pathlib
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headrace import errors
from headrace.profiles import Profiles, load_profiles

DEFAULT_API_URL = "http://127.0.0.1:4200"
"""Where a local server is looked for when no address is configured."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SERIALIZER_NAMES = ("pickle", "json", "compressed/pickle", "compressed/json")
"""How results can be written."""


def _text(value: str) -> str:
    return value


def _boolean(value: str) -> bool:
    lowered = value.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError("expected true or false")


def _names(value: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in value.split(",")) if part)


def _level(value: str) -> str:
    upper = value.strip().upper()
    if upper not in _LEVELS:
        raise ValueError(f"expected one of {', '.join(_LEVELS)}")
    return upper


def _url(value: str) -> str:
    value = value.strip().rstrip("/")
    parts = urllib.parse.urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected a URL like http://127.0.0.1:4200")
    if parts.username or parts.password:
        raise ValueError("expected a URL without a user name or password; use HEADRACE_API_KEY")
    _ = parts.port  # refuses a port that is not a number
    return value


def _address(value: str) -> str:
    host, separator, port = value.strip().rpartition(":")
    if not separator or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("expected host:port")
    return value.strip()


def _key(value: str) -> str:
    # A line end of the file that it stood in does not belong to it; and what is no header breaks no call.
    key = value.strip()
    if not all("!" <= sign <= "~" for sign in key):
        raise ValueError("expected a key as it was shown, without spaces or line ends")
    return key


def _identifier(value: str) -> str:
    return str(uuid.UUID(value.strip()))


def _folder(value: str) -> pathlib.Path:
    return pathlib.Path(value).expanduser().absolute()


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0 < seconds <= 86_400:
        raise ValueError("expected seconds above 0 and at most 86400")
    return seconds


def _count(value: str) -> int:
    count = int(value)
    if not 1 <= count <= 100_000:
        raise ValueError("expected a whole number from 1 to 100000")
    return count


def _bytes(value: str) -> int:
    size = int(value)
    if size < 1024 * 1024:
        raise ValueError("expected at least 1048576 bytes")
    return size


def _serializer(value: str) -> str:
    if value not in SERIALIZER_NAMES:
        raise ValueError(f"expected one of {', '.join(SERIALIZER_NAMES)}")
    return value


def _about(env: str, parse: Callable[[str], Any], description: str, *, secret: bool = False) -> dict[str, Any]:
    return {"env": env, "parse": parse, "description": description, "secret": secret}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the client side can be told, with types checked."""

    home: pathlib.Path = dataclasses.field(
        default=pathlib.Path("~/.headrace"),
        metadata=_about("HEADRACE_HOME", _folder, "Folder of profiles, results and the spool"),
    )
    profile: str = dataclasses.field(
        default="", metadata=_about("HEADRACE_PROFILE", _text, "Profile to take settings from; empty is the active one")
    )
    api_url: str | None = dataclasses.field(
        default=None,
        metadata=_about("HEADRACE_API_URL", _url, f"HTTP address of the server; unset looks at {DEFAULT_API_URL}"),
    )
    api_key: str | None = dataclasses.field(
        default=None, metadata=_about("HEADRACE_API_KEY", _key, "Key that proves who is calling", secret=True)
    )
    workspace_id: str | None = dataclasses.field(
        default=None,
        metadata=_about(
            "HEADRACE_WORKSPACE_ID", _identifier, "Workspace to work in; unset is the key's own, or the default one"
        ),
    )
    grpc_address: str | None = dataclasses.field(
        default=None,
        metadata=_about(
            "HEADRACE_API_GRPC_ADDRESS", _address, "gRPC host:port; unset asks the server at its HTTP address"
        ),
    )
    ca_file: pathlib.Path | None = dataclasses.field(
        default=None,
        metadata=_about(
            "HEADRACE_API_CA_FILE", _folder, "Authorities (PEM) that are believed; unset is those of the machine"
        ),
    )
    cert_file: pathlib.Path | None = dataclasses.field(
        default=None,
        metadata=_about("HEADRACE_API_CERT_FILE", _folder, "Own certificate (PEM), for servers that ask for one"),
    )
    cert_key_file: pathlib.Path | None = dataclasses.field(
        default=None,
        metadata=_about("HEADRACE_API_CERT_KEY_FILE", _folder, "Its key (PEM); unset is in the same file"),
    )
    api_timeout_seconds: float = dataclasses.field(
        default=30.0, metadata=_about("HEADRACE_API_TIMEOUT_SECONDS", _seconds, "Deadline of one call in seconds")
    )
    api_retry_seconds: float = dataclasses.field(
        default=10.0,
        metadata=_about(
            "HEADRACE_API_RETRY_SECONDS", _seconds, "How long a call is tried again while the server is away"
        ),
    )
    run_patience_seconds: float = dataclasses.field(
        default=600.0,
        metadata=_about(
            "HEADRACE_RUN_PATIENCE_SECONDS", _seconds, "How long a run waits at its end for a server that is away"
        ),
    )
    ephemeral_server: bool = dataclasses.field(
        default=True,
        metadata=_about(
            "HEADRACE_EPHEMERAL_SERVER", _boolean, "Whether a script without a server starts one for itself"
        ),
    )
    spool_bytes: int = dataclasses.field(
        default=1024**3,
        metadata=_about(
            "HEADRACE_SPOOL_BYTES", _bytes, "Disk space that unconfirmed transitions of a process may take"
        ),
    )
    logging_level: str = dataclasses.field(
        default="INFO", metadata=_about("HEADRACE_LOGGING_LEVEL", _level, "Least level of run logs")
    )
    logging_extra_loggers: tuple[str, ...] = dataclasses.field(
        default=(),
        metadata=_about(
            "HEADRACE_LOGGING_EXTRA_LOGGERS", _names, "Further loggers, by comma, whose records belong to runs"
        ),
    )
    logging_config: pathlib.Path | None = dataclasses.field(
        default=None,
        metadata=_about(
            "HEADRACE_LOGGING_CONFIG",
            _folder,
            "YAML or JSON file for logging.config.dictConfig; unset is logging.yml in the home, if there is one",
        ),
    )
    logging_to_server: bool = dataclasses.field(
        default=True, metadata=_about("HEADRACE_LOGGING_TO_SERVER", _boolean, "Whether run logs are sent to the server")
    )
    logging_to_console: bool = dataclasses.field(
        default=True,
        metadata=_about("HEADRACE_LOGGING_TO_CONSOLE", _boolean, "Whether run logs are written to the standard error"),
    )
    log_prints: bool = dataclasses.field(
        default=False, metadata=_about("HEADRACE_LOG_PRINTS", _boolean, "Whether print() in runs becomes log records")
    )
    results_storage_url: str | None = dataclasses.field(
        default=None,
        metadata=_about(
            "HEADRACE_RESULTS_STORAGE_URL", _text, "fsspec URL for results; unset is the folder results in the home"
        ),
    )
    results_serializer: str = dataclasses.field(
        default="pickle",
        metadata=_about(
            "HEADRACE_RESULTS_SERIALIZER", _serializer, "How results are written: " + ", ".join(SERIALIZER_NAMES)
        ),
    )
    results_persist: bool = dataclasses.field(
        default=False,
        metadata=_about(
            "HEADRACE_RESULTS_PERSIST", _boolean, "Whether results are persisted where a flow or task says nothing"
        ),
    )
    results_persist_deployments: bool = dataclasses.field(
        default=False,
        metadata=_about(
            "HEADRACE_RESULTS_PERSIST_DEPLOYMENTS",
            _boolean,
            "The same for runs of deployments alone, whose retries then replay what is finished",
        ),
    )
    git_cache: bool = dataclasses.field(
        default=True,
        metadata=_about(
            "HEADRACE_GIT_CACHE", _boolean, "Whether what git steps fetch is kept in the home for later runs"
        ),
    )
    git_cache_max_bytes: int = dataclasses.field(
        default=5_000_000_000,
        metadata=_about("HEADRACE_GIT_CACHE_MAX_BYTES", _bytes, "How much room it may take; the oldest goes first"),
    )
    task_runner_max_workers: int = dataclasses.field(
        default=64,
        metadata=_about("HEADRACE_TASK_RUNNER_MAX_WORKERS", _count, "Submitted tasks that run at once in a flow run"),
    )

    @property
    def spool_folder(self) -> pathlib.Path:
        """Where unconfirmed transitions wait."""
        return self.home / "spool"

    @property
    def logging_file(self) -> pathlib.Path | None:
        """The configuration of logging; None if there is none."""
        usual = self.home / "logging.yml"
        return self.logging_config or (usual if usual.is_file() else None)

    @property
    def profiles_file(self) -> pathlib.Path:
        """Where profiles are kept."""
        return self.home / "profiles.toml"

    @property
    def results_url(self) -> str:
        """Where results are written, as an fsspec URL."""
        return self.results_storage_url or (self.home / "results").as_uri()


@dataclasses.dataclass(frozen=True, slots=True)
class SettingValue:
    """One setting, its value and where that came from."""

    name: str
    """Field of `Settings`."""
    env: str
    """Environment variable, which is also the key in a profile."""
    value: object
    """The value with its type."""
    source: str
    """`environment`, `profile <name>` or `default`."""
    description: str
    is_secret: bool
    """Whether the value must not be shown."""


_FIELDS: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(Settings)
_NOT_IN_PROFILES = frozenset({"HEADRACE_HOME", "HEADRACE_PROFILE"})
SETTING_NAMES: tuple[str, ...] = tuple(field.metadata["env"] for field in _FIELDS)
"""Environment variables of all client settings."""

_override: contextvars.ContextVar[Settings | None] = contextvars.ContextVar("headrace_settings", default=None)
_cached: tuple[tuple[str | None, ...], tuple[str, int, int] | None, Settings] | None = None


def check_setting(env: str, value: str) -> None:
    """Check a value before it is written into a profile.

    Raises:
        errors.InvalidArgument: There is no such setting, it does not belong into a profile, or the value is wrong.
    """
    for field in _FIELDS:
        if field.metadata["env"] == env:
            if env in _NOT_IN_PROFILES:
                raise errors.InvalidArgument.of_field(env, "can be set in the environment only")
            _parse(field, value, "this value")
            return
    raise errors.InvalidArgument.of_field(env, f"is not a setting; settings are {', '.join(SETTING_NAMES)}")


def explain_settings(environ: Mapping[str, str] | None = None) -> list[SettingValue]:
    """Return every setting with its value and its source.

    Args:
        environ: The environment; by default the process's own.

    Raises:
        headrace.profiles.ProfileError: The profiles file cannot be read, or has no such profile.
        errors.InvalidArgument: A value is wrong; the message names the variable and where it came from.
    """
    environ = os.environ if environ is None else environ
    home = _parse_home(environ)
    profiles = load_profiles(home / "profiles.toml")
    profile = profiles.values_of(environ.get("HEADRACE_PROFILE") or None)
    return _resolve(environ, home, profiles, profile)


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that hold; arguments and errors as in `explain_settings`."""
    values: dict[str, Any] = {found.name: found.value for found in explain_settings(environ)}
    return Settings(**values)


def get_settings() -> Settings:
    """Return the settings of this process, or those that `use_settings` put in their place here."""
    global _cached
    overridden = _override.get()
    if overridden is not None:
        return overridden
    environment = tuple(os.environ.get(name) for name in SETTING_NAMES)
    stamp = _stamp(_parse_home(os.environ) / "profiles.toml")
    if _cached is None or _cached[0] != environment or _cached[1] != stamp:
        _cached = (environment, stamp, load_settings())
    return _cached[2]


@contextlib.contextmanager
def use_settings(settings: Settings) -> Iterator[Settings]:
    """Let `get_settings` return `settings` within the block, in this thread and what it starts."""
    token = _override.set(settings)
    try:
        yield settings
    finally:
        _override.reset(token)


def _resolve(
    environ: Mapping[str, str], home: pathlib.Path, profiles: Profiles, profile: tuple[str, Mapping[str, str]]
) -> list[SettingValue]:
    profile_name, profile_values = profile
    chosen = "profiles file" if profiles.has_active else "default"
    found: list[SettingValue] = []
    for field in _FIELDS:
        env: str = field.metadata["env"]
        value, source = field.default, "default"
        if env == "HEADRACE_HOME":
            value, source = home, "environment" if environ.get(env) else "default"
        elif env == "HEADRACE_PROFILE":
            value, source = profile_name, "environment" if environ.get(env) else chosen
        elif environ.get(env):
            value, source = _parse(field, environ[env], "the environment"), "environment"
        elif env in profile_values:
            source = f"profile {profile_name}"
            value = _parse(field, profile_values[env], source)
        metadata = field.metadata
        found.append(SettingValue(field.name, env, value, source, metadata["description"], metadata["secret"]))
    return found


def _parse(field: dataclasses.Field[Any], value: str, source: str) -> Any:
    try:
        return field.metadata["parse"](value)
    except ValueError as error:
        shown = "" if field.metadata["secret"] else f" {value!r}"
        raise errors.InvalidArgument.of_field(
            field.metadata["env"], f"{source} says{shown}: {error}", reason="INVALID_SETTINGS"
        ) from None


def _parse_home(environ: Mapping[str, str]) -> pathlib.Path:
    return _folder(environ.get("HEADRACE_HOME") or "~/.headrace")


def _stamp(path: pathlib.Path) -> tuple[str, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return str(path), status.st_mtime_ns, status.st_size
