"""Variables: named JSON values that the server keeps and flows read.

Variable.set("region", "eu-west-1")
Variable.get("region")
await Variable.aget("region", default="local")
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from headrace import errors
from headrace.engine.connection import get_backend

_REQUIRED: Any = object()


class Variable:
    """Reads and writes variables. Each method has a twin for asynchronous code, with an `a` before its name."""

    @staticmethod
    def get(name: str, default: Any = _REQUIRED) -> Any:
        """Return a variable's value.

        Args:
            name: Which one.
            default: What to return if there is none.

        Raises:
            errors.NotFound: There is none, and no default was given.
        """
        try:
            return get_backend().get_variable(name).result()
        except errors.NotFound:
            if default is _REQUIRED:
                raise
            return default

    @staticmethod
    async def aget(name: str, default: Any = _REQUIRED) -> Any:
        """Return a variable's value; as `get`."""
        try:
            return await asyncio.wrap_future(get_backend().get_variable(name))
        except errors.NotFound:
            if default is _REQUIRED:
                raise
            return default

    @staticmethod
    def set(name: str, value: Any, *, tags: Iterable[str] = (), overwrite: bool = True) -> None:
        """Set a variable.

        Args:
            name: Lower case letters, digits, "_" and "-".
            value: Any JSON value.
            tags: Words to find it by.
            overwrite: False refuses to change a variable that exists.

        Raises:
            errors.InvalidArgument: The name or the value is not allowed.
            errors.AlreadyExists: The variable exists, and `overwrite` is False.
        """
        get_backend().set_variable(name, value, list(tags), overwrite=overwrite).result()

    @staticmethod
    async def aset(name: str, value: Any, *, tags: Iterable[str] = (), overwrite: bool = True) -> None:
        """Set a variable; as `set`."""
        await asyncio.wrap_future(get_backend().set_variable(name, value, list(tags), overwrite=overwrite))

    @staticmethod
    def unset(name: str) -> bool:
        """Delete a variable; returns whether there was one."""
        return get_backend().unset_variable(name).result()

    @staticmethod
    async def aunset(name: str) -> bool:
        """Delete a variable; as `unset`."""
        return await asyncio.wrap_future(get_backend().unset_variable(name))
