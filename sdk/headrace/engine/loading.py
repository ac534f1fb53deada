"""Finding a flow by its entrypoint: `path/to/file.py:function`, `package.module:function` or `...module.function`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pathlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from headrace import errors
from headrace.engine.definitions import FlowDefinition, TaskDefinition

if TYPE_CHECKING:
    from headrace.flows import Flow


class LoadError(errors.FailedPrecondition):
    """A flow cannot be loaded; the message says why, and the cause is the error of the user's module."""

    default_reason = "FLOW_NOT_LOADED"


def load_flow(entrypoint: str, path: str | None = None) -> Flow[..., Any]:
    """Return the flow that an entrypoint names.

    The folder of a file, or the current folder for a module, is put on `sys.path`, as Python does for a script.

    Args:
        entrypoint: Where the flow is.
        path: The folder that a relative entrypoint starts from; by default the current one.

    Raises:
        LoadError: There is no such file, module or flow, or its import failed.
    """
    is_import_path = ":" not in entrypoint and os.sep not in entrypoint and not entrypoint.endswith(".py")
    place, separator, name = entrypoint.rpartition("." if is_import_path else ":")
    if not separator or not place or not name:
        raise LoadError(
            f"{entrypoint!r} is not an entrypoint; write file.py:function, package.module:function"
            " or package.module.function"
        )
    module = _module_at(place, path)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            known = sorted(key for key, value in vars(module).items() if isinstance(value, FlowDefinition))
            raise LoadError(f"{place} has no {name!r}. Flows in it: {', '.join(known) or 'none'}")
    if not isinstance(found, FlowDefinition):
        raise LoadError(f"{entrypoint} is a {type(found).__name__} and not a flow; decorate the function with @flow")
    return cast("Flow[..., Any]", found)


def load_tasks(entrypoint: str, path: str | None = None) -> list[TaskDefinition]:
    """Return the task that an entrypoint names, or all tasks of a file or module.

    Args:
        entrypoint: `file.py:task`, `package.module:task`, `file.py` or `package.module`.
        path: The folder that a relative entrypoint starts from; by default the current one.

    Raises:
        LoadError: There is no such file, module or task, or its import failed.
    """
    place, _, name = entrypoint.partition(":")
    module = _module_at(place, path)
    known = {key: value for key, value in vars(module).items() if isinstance(value, TaskDefinition)}
    if not name:
        if not known:
            raise LoadError(f"{place} has no tasks; decorate a function with @task")
        return list(known.values())
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, TaskDefinition):
        raise LoadError(f"{place} has no task {name!r}. Tasks in it: {', '.join(sorted(known)) or 'none'}")
    return [found]


def _module_at(place: str, path: str | None) -> ModuleType:
    base = pathlib.Path(path) if path else pathlib.Path.cwd()
    is_file = place.endswith(".py") or os.sep in place
    try:
        return _module_of_file(base / place) if is_file else _module_by_name(place, base)
    except LoadError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise LoadError(f"importing {place} failed: {type(error).__name__}: {error}") from error


def _module_of_file(file: pathlib.Path) -> ModuleType:
    file = file.resolve()
    if not file.is_file():
        raise LoadError(f"there is no file {file}")
    _put_on_path(file.parent)
    name = file.stem
    loaded = sys.modules.get(name)
    if loaded is not None:
        if getattr(loaded, "__file__", None) == str(file):
            return loaded
        # The name belongs to another module, which others may import by it.
        name = f"headrace_flow_{name}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise LoadError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # Registered before it is executed, as by an import: dataclasses and pickle look the module up.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _module_by_name(name: str, base: pathlib.Path) -> ModuleType:
    _put_on_path(base)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise LoadError(f"there is no module {name} (looked from {base} on)") from None
        raise


def _put_on_path(folder: pathlib.Path) -> None:
    text = str(folder)
    if text not in sys.path:
        sys.path.insert(0, text)
