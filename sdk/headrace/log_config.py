"""Configuration of logging by a file, for programs that have one."""

from __future__ import annotations

import logging
import logging.config
import os
import pathlib

import yaml

from headrace import errors


def apply_file(file: pathlib.Path) -> None:
    """Configure logging by a file in YAML or JSON, as `logging.config.dictConfig` takes it.

    `$NAME` and `${NAME}` in it stand for environment variables. Loggers that it does not name stay as they are. It may
    use `headrace.logging.RunLogHandler` and `headrace.logging.ConsoleHandler` as classes of handlers.

    Raises:
        errors.InvalidArgument: The file cannot be read, or is no such configuration.
    """
    try:
        document = yaml.safe_load(os.path.expandvars(file.read_text(encoding="utf-8")))
        if not isinstance(document, dict):
            raise ValueError("it is not a mapping")
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, **document})
    except (OSError, ValueError, TypeError, AttributeError, ImportError, yaml.YAMLError) as error:
        said = f"{error} ({error.__cause__})" if error.__cause__ is not None else str(error)
        raise errors.InvalidArgument.of_field(
            "HEADRACE_LOGGING_CONFIG", f"{file}: {said}", reason="INVALID_SETTINGS"
        ) from None
