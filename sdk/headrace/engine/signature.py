"""Signatures of user functions, looked at once, so that a call need not look again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class CallSignature:
    """The parameters of a function.

    Args:
        function: Whose.
        skip_first: True for a function whose first parameter is given by the engine (`self` of a method).
    """

    __slots__ = ("_most", "_needed", "name", "names", "parameters", "signature", "variadic")

    def __init__(self, function: Callable[..., Any], *, skip_first: bool = False) -> None:
        signature = inspect.signature(function)
        if skip_first:
            signature = signature.replace(parameters=list(signature.parameters.values())[1:])
        self.name = getattr(function, "__name__", type(function).__name__)
        self.signature = signature
        self.parameters: Mapping[str, inspect.Parameter] = signature.parameters
        values = list(signature.parameters.values())
        positional = [parameter for parameter in values if parameter.kind in _POSITIONAL]
        self.names: tuple[str, ...] = tuple(parameter.name for parameter in positional)
        self.variadic = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in values)
        keyword_needed = any(
            parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is inspect.Parameter.empty
            for parameter in values
        )
        # A call with positional arguments only fits if there are at least `_needed` and at most `_most`.
        needed = sum(parameter.default is inspect.Parameter.empty for parameter in positional)
        self._needed = -1 if keyword_needed else needed
        self._most = len(positional)

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Check that a call fits.

        Raises:
            TypeError: It does not; says which parameter is missing or not known.
        """
        if not kwargs and 0 <= self._needed <= len(args) and (self.variadic or len(args) <= self._most):
            return
        self._bind(args, kwargs)

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of each parameter of a call, defaults included.

        Raises:
            TypeError: The call does not fit.
        """
        bound = self._bind(args, kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)

    def name_of(self, position: int) -> str:
        """Return the name of the parameter that takes a positional argument."""
        if position < len(self.names):
            return self.names[position]
        for parameter in self.parameters.values():
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                return parameter.name
        return str(position)

    def unbind(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional and keyword arguments of a call with the given parameter values."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        by_keyword = False
        for name, parameter in self.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                kwargs.update(values.get(name, {}))
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                args.extend(values.get(name, ()))
                by_keyword = True
            elif name not in values:
                by_keyword = True
            elif parameter.kind is inspect.Parameter.KEYWORD_ONLY or (
                by_keyword and parameter.kind is not inspect.Parameter.POSITIONAL_ONLY
            ):
                kwargs[name] = values[name]
            else:
                args.append(values[name])
        return tuple(args), kwargs

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
        try:
            return self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}{self.signature}: {error}") from None
