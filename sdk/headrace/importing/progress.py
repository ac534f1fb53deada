"""How far an import has come, kept in a file after each step, so that an interrupted one goes on."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import tempfile
from typing import Any

from headrace.importing.mapping.ids import Ids
from headrace.importing.report import Report

_FORM = 1


@dataclasses.dataclass(slots=True)
class Cursor:
    """How far a list has been read that is ordered by the time when runs ended, the latest first."""

    before: str
    """Runs that ended then or earlier are still to be read ..."""
    offset: int = 0
    """... apart from as many of the first of them."""


@dataclasses.dataclass(slots=True)
class Progress:
    """How far an import has come.

    Args:
        path: The file; None keeps nothing.
        since: From when on history is taken over; None takes none.
        until: Where history ends: the moment when the import began.
    """

    path: pathlib.Path | None
    since: datetime.datetime | None
    until: datetime.datetime
    done: list[str] = dataclasses.field(default_factory=list)
    """Steps that are over."""
    under_way: str = ""
    """What of several calls was begun and is not over."""
    cursors: dict[str, Cursor] = dataclasses.field(default_factory=dict)
    ids: Ids = dataclasses.field(default_factory=Ids)
    report: Report = dataclasses.field(default_factory=Report)
    is_resumed: bool = False

    def save(self) -> None:
        """Keep it, whole or not at all."""
        if self.path is None:
            return
        kept = {
            "form": _FORM,
            "since": self.since.isoformat() if self.since is not None else None,
            "until": self.until.isoformat(),
            "done": self.done,
            "under_way": self.under_way,
            "cursors": {name: dataclasses.asdict(cursor) for name, cursor in self.cursors.items()},
            "ids": self.ids.to_plain(),
            "report": self.report.to_plain(),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file)
                file.flush()
                os.fsync(file.fileno())
            pathlib.Path(name).replace(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                pathlib.Path(name).unlink()
            raise

    def finish(self, step: str) -> None:
        """Note that a step is over."""
        self.done.append(step)
        self.under_way = ""
        self.save()

    def forget(self) -> None:
        """Delete the file: the import is over."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def place_of(home: pathlib.Path, source: str, target: str, workspace_id: str) -> pathlib.Path:
    """Return the file for imports from one server into one workspace of another."""
    digest = hashlib.sha256("\n".join((source, target, workspace_id)).encode()).hexdigest()
    return home / "imports" / f"{digest[:32]}.json"


def load(path: pathlib.Path) -> Progress | None:
    """Return the progress of an import that was interrupted; None if there is none that can be read."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if kept["form"] != _FORM:
            return None
        return Progress(
            path,
            datetime.datetime.fromisoformat(kept["since"]) if kept["since"] else None,
            datetime.datetime.fromisoformat(kept["until"]),
            list(kept["done"]),
            str(kept["under_way"]),
            {name: Cursor(**cursor) for name, cursor in kept["cursors"].items()},
            Ids.from_plain(kept["ids"]),
            Report.from_plain(kept["report"]),
            is_resumed=True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
