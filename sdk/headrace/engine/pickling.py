"""How flows and tasks travel between processes: by name where their module can be imported, else by value."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cloudpickle

_by_value: frozenset[str] = frozenset()
_travelling = threading.Lock()


@contextlib.contextmanager
def sent_by_value(modules: Iterable[types.ModuleType]) -> Iterator[None]:
    """Let what these modules define travel by value within the block, as if nobody else had them."""
    global _by_value
    chosen = [module for module in modules if is_importable(module.__name__)]
    # What cloudpickle knows of modules is known to the whole process.
    with _travelling:
        registered = []
        try:
            for module in chosen:
                cloudpickle.register_pickle_by_value(module)
                registered.append(module)
            _by_value = frozenset(module.__name__ for module in registered)
            yield
        finally:
            _by_value = frozenset()
            for module in registered:
                cloudpickle.unregister_pickle_by_value(module)


def named(definition: Any, function: Callable[..., Any]) -> tuple[str, str] | None:
    """Return the module and qualified name under which other processes find a definition; None if they do not."""
    module = getattr(function, "__module__", None) or ""
    qualified = getattr(function, "__qualname__", None) or ""
    if not is_importable(module) or "<" in qualified:
        return None
    return (module, qualified) if _lookup(sys.modules.get(module), qualified) is definition else None


def is_importable(module: str) -> bool:
    """Return whether another process finds a module by its name. It does not find the script that was started."""
    loaded = sys.modules.get(module)
    if loaded is None or module in _by_value:
        return False
    return module not in ("__main__", "__mp_main__") and not module.startswith("headrace_flow_")


def find_named(module: str, qualified: str) -> Any:
    """Return what a module has under a qualified name.

    Raises:
        ImportError: There is no such module.
        AttributeError: It has no such name.
    """
    found = _lookup(importlib.import_module(module), qualified)
    if found is None:
        raise AttributeError(f"module {module!r} has no {qualified!r}")
    return found


def plain_function(module: str, qualified: str) -> Callable[..., Any]:
    """Return the function of a definition that a module has, without what the definition adds."""
    function: Callable[..., Any] = find_named(module, qualified)._plain
    return function


def sendable_function(function: Any) -> Any:
    """Return what stands for a user's function when it is pickled.

    A decorated function cannot be found by its name, where its definition is; so that is told in its place.
    """
    module = getattr(function, "__module__", None) or ""
    qualified = getattr(function, "__qualname__", None) or ""
    if is_importable(module) and "<" not in qualified:
        found = _lookup(sys.modules.get(module), qualified)
        if getattr(found, "_plain", None) is function:
            return NamedFunction(module, qualified)
    return _with_types(function) if _by_value and isinstance(function, types.FunctionType) else function


def _with_types(function: types.FunctionType) -> types.FunctionType:
    """Return a function whose annotations are types: names in texts are found in its module only."""
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception:
        # Whatever an annotation does; without its types it takes what it is given.
        return function
    made = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    made.__dict__.update(function.__dict__)
    made.__kwdefaults__, made.__annotations__ = function.__kwdefaults__, hints
    made.__qualname__, made.__module__, made.__doc__ = function.__qualname__, function.__module__, function.__doc__
    return made


class NamedFunction:
    """A user's function, as it is found in another process."""

    def __init__(self, module: str, qualified: str) -> None:
        self._address = module, qualified

    def __reduce__(self) -> tuple[Any, ...]:
        return plain_function, self._address


def _lookup(module: Any, qualified: str) -> Any:
    found = module
    for part in qualified.split("."):
        # What a class has is asked of the class itself: a definition would answer for an object of it.
        found = vars(found).get(part) if isinstance(found, type) else getattr(found, part, None)
    return found
