"""Values of users as the plain JSON values that the contract carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic_core
from google.protobuf.struct_pb2 import Struct

from headrace import errors


def fill_struct(struct: Struct, values: Mapping[str, Any], name: str) -> None:
    """Put values into a message; dates, enums, dataclasses and pydantic models become JSON.

    Args:
        struct: Takes the values.
        values: By name.
        name: What they are, for the message.

    Raises:
        errors.InvalidArgument: A value has no form in JSON.
    """
    for key, value in values.items():
        try:
            struct.update({key: pydantic_core.to_jsonable_python(value)})
        except (TypeError, ValueError) as error:
            raise errors.InvalidArgument.of_field(f"{name}.{key}", f"cannot be written as JSON: {error}") from error
