"""Things that people describe in files: JSON or YAML in the words of the contract."""

from __future__ import annotations

import pathlib

import yaml
from google.protobuf import json_format
from google.protobuf.message import Message

from headrace import errors


def fill(message: Message, path: pathlib.Path) -> list[str]:
    """Fill a message with what a file says.

    Returns:
        The fields that the file names, also those that it empties.

    Raises:
        errors.InvalidArgument: The file does not hold such a thing.
    """
    fields = message.DESCRIPTOR
    try:
        # JSON is YAML, too.
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        json_format.ParseDict(document, message)
        return [(fields.fields_by_camelcase_name.get(name) or fields.fields_by_name[name]).name for name in document]
    except (OSError, ValueError, TypeError, AttributeError, KeyError, yaml.YAMLError, json_format.ParseError) as error:
        raise errors.InvalidArgument(f"{path} does not hold what is expected: {error}") from error
