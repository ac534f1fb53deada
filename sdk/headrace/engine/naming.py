"""Names of runs: given as a template or as a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from headrace import errors

RunName: TypeAlias = str | Callable[..., str]
"""A template such as `"load {table} on {day:%A}"`, or a function of nothing or of `parameters` that returns a name."""

MAX_NAME = 255


def run_name(template: RunName, field: str, parameters: Mapping[str, Any], *, takes_parameters: bool) -> str:
    """Return the name that a template or function gives to a run.

    Args:
        template: What the user gave.
        field: Its option, for messages.
        parameters: The values of the run's parameters.
        takes_parameters: Whether a function wants them, as its argument `parameters`.

    Raises:
        errors.InvalidArgument: The template names something that is no parameter, or the result is not a name.
    """
    if callable(template):
        name: object = template(parameters=dict(parameters)) if takes_parameters else template()
    else:
        try:
            name = template.format(**parameters)
        except (KeyError, IndexError) as error:
            known = ", ".join(parameters) or "none"
            raise errors.InvalidArgument.of_field(
                field, f"the template {template!r} names {error.args[0]!r}; parameters are: {known}"
            ) from None
        except (AttributeError, ValueError, TypeError) as error:
            raise errors.InvalidArgument.of_field(
                field, f"the template {template!r} cannot be filled: {error}"
            ) from None
    if not isinstance(name, str) or not name.strip():
        raise errors.InvalidArgument.of_field(field, f"gave {name!r}, which is not a name")
    return name[:MAX_NAME]
