"""`headrace.yaml`: what is deployed from a folder, and how. Errors name the file and the line.

build: [...]            # steps before deploying
push: [...]
pull: [...]             # steps before each run, on the machine that runs it
deployments:
- name: nightly
  entrypoint: flows/etl.py:etl
  schedules:
  - cron: "0 3 * * *"
  work_pool:
    name: default
"""

from __future__ import annotations

import datetime
import os
import pathlib
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pydantic
import yaml

from headrace import errors
from headrace.deployments.definition import ConcurrencyLimit, Strategy
from headrace.deployments.schedules import CatchUpPolicy, Cron, Interval, RRule, Schedule
from headrace.deployments.triggers import Trigger
from headrace.steps.running import Step, WrongStep, read_steps
from headrace.steps.templating import Path, Unresolved, Values, fill

FILE_NAME = "headrace.yaml"

_ALLOWED_KEYS = ("name", "version", "build", "push", "pull", "deployments", "definitions")
STEP_LISTS: tuple[Literal["build", "push", "pull"], ...] = ("build", "push", "pull")
_FILLED_LATER = (*STEP_LISTS, "triggers")


class WrongProjectFile(errors.InvalidArgument):
    """A project file cannot be read or says something that it must not; the message begins with file and line."""

    default_reason = "PROJECT_FILE_INVALID"


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=False)


class ScheduleSection(_Section):
    """A schedule; exactly one of cron, interval and rrule."""

    cron: str | None = None
    interval: float | None = pydantic.Field(default=None, ge=1)
    rrule: str | None = None
    timezone: str = ""
    anchor: datetime.datetime | None = None
    day_or: bool = True
    slug: str = ""
    parameters: dict[str, Any] = {}
    active: bool = True
    starts_at: datetime.datetime | None = None
    ends_at: datetime.datetime | None = None
    catch_up: CatchUpPolicy = "all"
    maximum_lateness: float | None = pydantic.Field(default=None, gt=0)
    jitter: float | None = pydantic.Field(default=None, gt=0)
    calendars: list[str] = []

    @pydantic.model_validator(mode="after")
    def _has_one_rule(self) -> ScheduleSection:
        if sum(rule is not None for rule in (self.cron, self.interval, self.rrule)) != 1:
            raise ValueError("give exactly one of cron, interval and rrule")
        if self.anchor is not None and self.interval is None:
            raise ValueError("anchor goes with interval")
        return self

    def to_schedule(self, number: int) -> Schedule:
        """Return the schedule; its slug is the kind and number if none was given."""
        kind = "cron" if self.cron is not None else "interval" if self.interval is not None else "rrule"
        common: dict[str, Any] = {
            "slug": self.slug or (kind if number == 0 else f"{kind}-{number + 1}"),
            "parameters": self.parameters,
            "active": self.active,
            "starts_at": self._zoned(self.starts_at),
            "ends_at": self._zoned(self.ends_at),
            "catch_up": self.catch_up,
            "maximum_lateness": _span(self.maximum_lateness),
            "jitter": _span(self.jitter),
            "calendars": self.calendars,
        }
        if self.cron is not None:
            return Cron(self.cron, timezone=self.timezone, day_or=self.day_or, **common)
        if self.interval is not None:
            return Interval(self.interval, anchor=self._zoned(self.anchor), timezone=self.timezone, **common)
        return RRule(self.rrule or "", timezone=self.timezone, **common)

    def _zoned(self, moment: datetime.datetime | None) -> datetime.datetime | None:
        """Read a time without an offset on the clock that the schedule goes by."""
        if moment is None or moment.tzinfo is not None:
            return moment
        try:
            return moment.replace(tzinfo=zoneinfo.ZoneInfo(self.timezone or "UTC"))
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
            raise errors.InvalidArgument.of_field("timezone", f"there is no time zone {self.timezone!r}") from error


def _span(seconds: float | None) -> datetime.timedelta | None:
    return None if seconds is None else datetime.timedelta(seconds=seconds)


class ConcurrencySection(_Section):
    """How many runs at once, and what happens to more."""

    limit: int | None = pydantic.Field(default=None, ge=0)
    strategy: Strategy = "enqueue"
    grace_seconds: float | None = pydantic.Field(default=None, gt=0)
    key: str = pydantic.Field(default="", pattern=r"^([A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_\-]+)*)?$")
    """A parameter, or a field of one: `customer.id`."""
    key_limit: int | None = pydantic.Field(default=None, ge=1)

    @pydantic.model_validator(mode="after")
    def _limits_something(self) -> ConcurrencySection:
        if self.limit is None and not self.key:
            raise ValueError("give limit, key or both")
        return self


class WorkPoolSection(_Section):
    """Who runs it, and with which values for the pool's job template."""

    name: str = pydantic.Field(min_length=1)
    work_queue: str = ""
    job_variables: dict[str, Any] = {}


class TriggerSection(_Section):
    """Events that start runs. It keeps its placeholders: they are filled in by the event."""

    name: str = ""
    description: str = ""
    enabled: bool = True
    expect: str | list[str] = []
    after: str | list[str] = []
    match: dict[str, str | list[str]] = {}
    match_related: dict[str, str | list[str]] | list[dict[str, str | list[str]]] = []
    for_each: list[str] = []
    posture: Literal["reactive", "proactive"] = "reactive"
    threshold: int = pydantic.Field(default=1, ge=1)
    within: float = pydantic.Field(default=0, ge=0)
    condition: dict[str, Any] | None = None
    parameters: dict[str, Any] = {}
    job_variables: dict[str, Any] = {}
    schedule_after: float = pydantic.Field(default=0, ge=0)

    def to_trigger(self) -> Trigger:
        """Return the trigger."""
        return Trigger(**self.model_dump())


class DeploymentSection(_Section):
    """One deployment."""

    name: str = pydantic.Field(min_length=1, max_length=255)
    entrypoint: str = pydantic.Field(min_length=1)
    flow_name: str = ""
    description: str | None = None
    version: str | None = None
    tags: list[str] = []
    labels: dict[str, Any] = {}
    worker_labels: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    enforce_parameter_schema: bool = True
    paused: bool | None = None
    schedule: ScheduleSection | None = None
    schedules: list[ScheduleSection] | None = None
    concurrency_limit: ConcurrencySection | None = None
    work_pool: WorkPoolSection
    triggers: list[TriggerSection] | None = None
    build: list[Any] | None = None
    push: list[Any] | None = None
    pull: list[Any] | None = None

    @pydantic.field_validator("concurrency_limit", mode="before")
    @classmethod
    def _of_a_number(cls, value: Any) -> Any:
        return {"limit": value} if isinstance(value, int | str) else value

    @pydantic.model_validator(mode="after")
    def _has_schedules_once(self) -> DeploymentSection:
        if self.schedule is not None and self.schedules is not None:
            raise ValueError("give schedule or schedules, not both")
        return self

    def to_schedules(self) -> list[Schedule] | None:
        """Return the schedules; None leaves alone those that the deployment has."""
        sections = [self.schedule] if self.schedule is not None else self.schedules
        return None if sections is None else [section.to_schedule(place) for place, section in enumerate(sections)]

    def to_triggers(self) -> list[Trigger] | None:
        """Return what starts runs beside schedules; None leaves alone what the deployment has."""
        return None if self.triggers is None else [section.to_trigger() for section in self.triggers]

    def to_concurrency(self) -> ConcurrencyLimit | None:
        """Return the limit."""
        given = self.concurrency_limit
        if given is None:
            return None
        # The file's own placeholders look the same, so it names the parameter alone.
        key = f"{{{{ {given.key} }}}}" if given.key else ""
        return ConcurrencyLimit(
            given.limit, given.strategy, _span(given.grace_seconds), key=key, key_limit=given.key_limit
        )


_SECTIONS: Mapping[str, type[_Section]] = {
    "schedule": ScheduleSection,
    "schedules": ScheduleSection,
    "concurrency_limit": ConcurrencySection,
    "work_pool": WorkPoolSection,
    "triggers": TriggerSection,
}


class ProjectFile:
    """A project file that has been read.

    Args:
        path: Where it is.
        content: What is in it.
        lines: The line of each value, from 1.
    """

    def __init__(self, path: pathlib.Path, content: Mapping[str, Any], lines: Mapping[Path, int]) -> None:
        self.path = path
        self.content = content
        self._lines = lines

    @property
    def folder(self) -> pathlib.Path:
        """The folder of the project."""
        return self.path.parent

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.content.get("name") or self.folder.name)

    @property
    def deployment_names(self) -> list[str]:
        """The names of the deployments, in their order; they have no placeholders."""
        return [str(item["name"]) for item in self.content.get("deployments", [])]

    def error(self, path: Path, message: str) -> WrongProjectFile:
        """Return the error for what stands at a path."""
        return WrongProjectFile(f"{_shown(self.path)}:{self._line_of(path)}: {_where(path)}{message}")

    def steps(self, kind: Literal["build", "push", "pull"], deployment: int | None = None) -> list[Step]:
        """Return the steps of the project, or those that a deployment has of its own; [] if it has none.

        Raises:
            WrongProjectFile: One is wrong.
        """
        path: Path = (kind,) if deployment is None else ("deployments", deployment, kind)
        holder = self.content if deployment is None else self.content["deployments"][deployment]
        items = holder.get(kind) or []
        if not isinstance(items, list):
            raise self.error(path, "must be a list of steps")
        try:
            return read_steps(items, path)
        except WrongStep as error:
            raise self.error(error.path, error.message) from None

    def has_steps(self, kind: Literal["build", "push", "pull"], deployment: int) -> bool:
        """Return whether a deployment says itself what its steps are, if only that there are none."""
        return kind in self.content["deployments"][deployment]

    def section(self, deployment: int, values: Values, *, may_be_missing: bool = False) -> DeploymentSection:
        """Return a deployment with its placeholders filled in; its steps and triggers keep theirs.

        Raises:
            WrongProjectFile: Something in it is wrong.
        """
        path: Path = ("deployments", deployment)
        raw = self.content["deployments"][deployment]
        later = {key: raw[key] for key in _FILLED_LATER if key in raw}
        plain = {key: value for key, value in raw.items() if key not in _FILLED_LATER}
        try:
            filled = fill(plain, values, may_be_missing=may_be_missing, path=path)
            return DeploymentSection.model_validate({**filled, **later})
        except Unresolved as error:
            raise self.error(error.path, error.message) from None
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            raise self.error((*path, *_place(raw, first["loc"])), _words(first)) from None

    def _line_of(self, path: Path) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


def read_project_file(path: pathlib.Path) -> ProjectFile:
    """Read a project file.

    Raises:
        errors.NotFound: There is none.
        WrongProjectFile: It is no YAML, or not a project file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise errors.NotFound(f"There is no {_shown(path)}. Make one with: headrace init") from None
    except (OSError, UnicodeError) as error:
        raise WrongProjectFile(f"{_shown(path)} cannot be read: {error}") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise WrongProjectFile(f"{_shown(path)}:{line}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise WrongProjectFile(f"{_shown(path)}: {error}") from None
    lines: dict[Path, int] = {}
    if node is not None:
        for place, line, is_repeated in _lines_of(node, ()):
            if is_repeated:
                raise WrongProjectFile(f"{_shown(path)}:{line}: {place[-1]!r} stands here twice")
            lines[place] = line
    project = ProjectFile(path.absolute(), content if isinstance(content, dict) else {}, lines)
    if not isinstance(content, dict):
        raise project.error((), "a project file holds keys such as deployments")
    _check(project)
    return project


def _check(project: ProjectFile) -> None:
    for key in project.content:
        if key not in _ALLOWED_KEYS:
            raise project.error((key,), f"is not known; there are {', '.join(_ALLOWED_KEYS)}")
    deployments = project.content.get("deployments") or []
    if not isinstance(deployments, list):
        raise project.error(("deployments",), "must be a list")
    seen: set[tuple[str, str]] = set()
    for place, item in enumerate(deployments):
        path: Path = ("deployments", place)
        if not isinstance(item, Mapping):
            raise project.error(path, "must be a deployment with at least name, entrypoint and work_pool")
        name = item.get("name")
        if not isinstance(name, str) or not name or "{{" in name:
            raise project.error((*path, "name"), "must be a text without placeholders")
        identity = (str(item.get("entrypoint")), name)
        if identity in seen:
            raise project.error((*path, "name"), f"there are two deployments {name!r} of {identity[0]}")
        seen.add(identity)
        for kind in STEP_LISTS:
            project.steps(kind, place)
    for kind in STEP_LISTS:
        project.steps(kind)


def _lines_of(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int, bool]]:
    """Yield the path and line of each value, and whether its key stood there before."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            here = (*path, name)
            yield here, key.start_mark.line + 1, name in seen and name != "<<"
            seen.add(name)
            yield from _lines_of(value, path if name == "<<" else here)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            yield (*path, place), value.start_mark.line + 1, False
            yield from _lines_of(value, (*path, place))


def _place(value: Any, location: Sequence[str | int]) -> Path:
    """Return the part of a pydantic location that stands in the file: it names alternatives of types, too."""
    path: list[str | int] = []
    for part in location:
        if isinstance(value, Mapping) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif isinstance(value, Mapping) and isinstance(part, str) and part == location[-1]:
            value = None
        else:
            continue
        path.append(part)
    return tuple(path)


def _known_keys(location: Sequence[str | int]) -> list[str]:
    """Return which keys the section at a pydantic location takes."""
    section: type[_Section] = DeploymentSection
    for part in location:
        section = _SECTIONS.get(str(part), section)
    return list(section.model_fields)


def _words(error: Any) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "extra_forbidden":
        return f"is not known here; there are {', '.join(_known_keys(error['loc'][:-1]))}"
    if error["type"] == "model_type":
        return "must be a mapping of names to values"
    text = str(error["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _where(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return f"{text}: " if text else ""


def _shown(path: pathlib.Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
