"""Code that travels with its runs: a flow and the modules beside it, pickled into the storage of results.

A run of such a deployment fetches the bundle by a pull step, and a file of two lines makes the flow of it.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import site
import sys
import sysconfig
import zlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import cloudpickle

import headrace
from headrace import errors
from headrace.engine.pickling import sent_by_value
from headrace.result_storage import ResultStorage
from headrace.steps import Step

if TYPE_CHECKING:
    from headrace.flows import Flow

ENTRYPOINT = "headrace_bundle.py:flow"

_FOLDER = "bundles"
_DATA = "headrace_bundle.pickle"
_CODE = f"""\
from headrace.deployments.bundles import unpacked

flow = unpacked({_DATA!r})
"""


class BundleFailed(errors.FailedPrecondition):
    """Code cannot be sent, or not be made of what was sent; the message says why."""

    default_reason = "BUNDLE_FAILED"


def pack(flow: Flow[..., Any], storage: ResultStorage) -> Step:
    """Put a flow with the modules of its project into a storage; returns the step by which runs fetch it.

    Args:
        flow: The flow. What its project imports from elsewhere has to be installed where it runs.
        storage: Where to; has to be within reach of the runs.

    Raises:
        BundleFailed: Something that it uses cannot be pickled.
        headrace.results.ResultFailure: The storage cannot be written.
    """
    try:
        with sent_by_value(_modules_beside(flow)):
            data = cloudpickle.dumps(flow)
    except Exception as error:  # whatever the objects' own methods raise
        raise BundleFailed(
            f"the code of {flow.name!r} cannot be sent: {error}. What it uses from outside of its functions has to be"
            " picklable; make connections and the like within them."
        ) from error
    packed = zlib.compress(data)
    store = headrace.results.store_at(storage)
    key = f"{_FOLDER}/{hashlib.sha256(data).hexdigest()[:32]}"
    if store.find(key) is None:
        store.write(key, packed, "pickle")
    return Step("headrace.deployments.bundles.fetch", {"storage": store.url, "key": key, "python": _python()})


def fetch(storage: str, key: str, python: str) -> dict[str, str]:
    """Bring a bundle into the current folder; a pull step.

    Args:
        storage: Where it is.
        key: Its name there.
        python: The version of the Python that it was made by, such as `3.12`.

    Raises:
        BundleFailed: It was made by another Python.
        headrace.results.ResultFailure: It is not there, or cannot be read.
    """
    if python != _python():
        raise BundleFailed(
            f"the code was sent by Python {python} and cannot be read by Python {_python()}: compiled functions differ."
            " Use the same version for both."
        )
    folder = pathlib.Path.cwd()
    (folder / _DATA).write_bytes(headrace.results.store_at(storage).read(key).value)
    (folder / _CODE_FILE).write_text(_CODE, encoding="utf-8")
    return {"directory": str(folder)}


_CODE_FILE = ENTRYPOINT.partition(":")[0]


def unpacked(name: str) -> Flow[..., Any]:
    """Return the flow of a bundle that was fetched.

    Args:
        name: The file, in the folder of this bundle's code.

    Raises:
        ImportError: A module that it uses is not installed here.
    """
    data = zlib.decompress((pathlib.Path.cwd() / name).read_bytes())
    return cast("Flow[..., Any]", cloudpickle.loads(data))


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _modules_beside(flow: Flow[..., Any]) -> list[ModuleType]:
    """Return the loaded modules of the project that a flow is part of: below its folder, or the current one."""
    own = sys.modules.get(flow.fn.__module__)
    file = getattr(own, "__file__", None)
    folders = [pathlib.Path.cwd().resolve(), *([pathlib.Path(file).resolve().parent] if file else [])]
    found = [own] if own is not None else []
    for module in list(sys.modules.values()):
        place = getattr(module, "__file__", None)
        if module is own or not place or module.__name__.partition(".")[0] == "headrace":
            continue
        path = pathlib.Path(place).resolve()
        if any(path.is_relative_to(folder) for folder in folders) and not _is_installed(path):
            found.append(module)
    return found


def _is_installed(path: pathlib.Path) -> bool:
    return "site-packages" in path.parts or any(path.is_relative_to(folder) for folder in _INSTALLED)


_INSTALLED = tuple(
    pathlib.Path(os.path.realpath(folder))
    for folder in {*site.getsitepackages(), *(sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib"))}
)
"""Folders of packages, which runs find where they are."""
