"""The program `git`, as steps run it."""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass

from headrace import errors
from headrace.steps.output import run_program


@dataclass(frozen=True)
class Git:
    """Runs git in an environment that has the credentials of a step."""

    environment: Mapping[str, str]

    def run(self, *arguments: str, folder: pathlib.Path, standard_input: str | None = None) -> str:
        """Run git with these arguments in a folder, and return what it wrote.

        Raises:
            errors.FailedPrecondition: It failed.
        """
        try:
            return run_program(
                ["git", *arguments],
                environment=self.environment,
                folder=str(folder),
                standard_input=standard_input,
                is_shown=False,
            )
        except errors.FailedPrecondition as error:
            raise errors.FailedPrecondition(f"git {arguments[0]}: {error}") from None

    def of(self, repository: pathlib.Path) -> Git:
        """Return the same for one bare repository, wherever it stands, and for no other above it."""
        return Git({**self.environment, "GIT_DIR": str(repository)})

    @property
    def identity(self) -> str:
        """Tells the credentials from others, without showing them."""
        told = sorted(f"{name}={value}" for name, value in self.environment.items() if name.startswith("GIT_"))
        return hashlib.sha256("\0".join(told).encode()).hexdigest()
