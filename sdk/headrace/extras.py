"""Packages that come with an extra of the distribution, imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from headrace import errors


class MissingExtra(errors.FailedPrecondition):
    """A package is not installed; the message has the command that installs it."""

    default_reason = "EXTRA_NOT_INSTALLED"


def require(module: str, extra: str, purpose: str) -> Any:
    """Import a module of an extra.

    Args:
        module: Its name.
        extra: The extra of `headrace` that brings it.
        purpose: What needs it, as the beginning of a sentence.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtra(
            f"{purpose} needs packages that are not installed ({error.name}). "
            f'Install them with: pip install "headrace[{extra}]"'
        ) from None
