"""Generate the Python code and the descriptor set from `protos/`.

Runs in `.venv-protos` (an old generator, pinned in `requirements/protos.lock`), because the generator's version is the
floor of what users can run. `make protos` writes, `make protos-check` only compares and fails on drift.

What is made, all of it below `sdk/headrace/`:

- `api/descriptors.binpb`: every file with its imports, comments, HTTP annotations, permissions and validation rules.
  The server and the gateway read it. Comments are kept for our own files only.
- `api/v1`, `internal/v1`: messages, gRPC stubs and their type stubs. The validation rules (`buf.validate`) are stripped
  from these, so that a client neither needs nor loads a validator.
"""

from __future__ import annotations

import argparse
import filecmp
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = Path(__file__).resolve().parent.parent
WELL_KNOWN = Path(grpc_tools.__file__).resolve().parent / "_proto"
DESCRIPTORS = Path("headrace/api/descriptors.binpb")
RULES_FILE = "buf/validate/validate.proto"
# In the set even where no contract imports them: error bodies are transcoded with those of google.rpc.
ALWAYS = (RULES_FILE, "google/rpc/code.proto", "google/rpc/error_details.proto", "google/rpc/status.proto")
OWN = "headrace/"
RULES = {
    "google.protobuf.FieldOptions": ("buf.validate.field", "buf.validate.predefined"),
    "google.protobuf.MessageOptions": ("buf.validate.message",),
    "google.protobuf.OneofOptions": ("buf.validate.oneof",),
}
GENERATED_SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")
GENERATED_NAMES = ("__init__.py", DESCRIPTORS.name)
PACKAGE_DOCSTRINGS = {
    Path(
        "headrace/api"
    ): "The public contract: generated code, and `descriptors.binpb` with everything that the contract says.",
    Path("headrace/internal"): "What Headrace's own services say to each other: generated code.",
}


class GenerationError(Exception):
    """A contract does not compile, or uses what the generator does not support; the message says which file and why."""


def run_protoc(*arguments: str) -> None:
    """Run protoc with its own interpreter.

    Raises:
        GenerationError: protoc refused; its words have gone to stderr already.
    """
    if subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], check=False).returncode != 0:
        raise GenerationError("protoc failed")


def own_files(protos: Path) -> list[str]:
    """Return the paths of the project's contracts, relative to `protos`, sorted.

    Raises:
        GenerationError: there are none.
    """
    names = sorted(path.relative_to(protos).as_posix() for path in (protos / "headrace").rglob("*.proto"))
    if not names:
        raise GenerationError(f"no .proto files below {protos / 'headrace'}")
    return names


def compile_descriptors(protos: Path, names: list[str], work: Path) -> bytes:
    """Compile all contracts and return the serialized FileDescriptorSet with imports and source info."""
    target = work / "compiled.binpb"
    includes = (protos, protos / "third_party", WELL_KNOWN)
    run_protoc(
        *(f"--proto_path={path}" for path in includes),
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={target}",
        *names,
        *ALWAYS,
    )
    return target.read_bytes()


class DescriptorSets:
    """One compiled set, read with its own extensions known, so that options can be looked at and removed."""

    def __init__(self, compiled: bytes) -> None:
        plain = descriptor_pb2.FileDescriptorSet.FromString(compiled)
        self._pool = descriptor_pool.DescriptorPool()
        for file in plain.file:
            self._pool.Add(file)
        set_type = message_factory.GetMessageClass(
            self._pool.FindMessageTypeByName("google.protobuf.FileDescriptorSet")
        )
        # Message classes of the extensions have to exist before options that hold them are parsed.
        message_factory.GetMessageClassesForFiles([file.name for file in plain.file], self._pool)
        self._set: Any = set_type.FromString(compiled)

    def full(self) -> bytes:
        """Return everything, with source info reduced to the comments of our own files."""
        copy = type(self._set)()
        copy.CopyFrom(self._set)
        for file in copy.file:
            if not file.name.startswith(OWN):
                file.ClearField("source_code_info")
                continue
            commented = [
                location
                for location in file.source_code_info.location
                if location.leading_comments or location.trailing_comments or location.leading_detached_comments
            ]
            file.ClearField("source_code_info")
            file.source_code_info.location.extend(commented)
        return bytes(copy.SerializeToString(deterministic=True))

    def files(self) -> Any:
        """Return a copy of the set, to be changed."""
        copy = type(self._set)()
        copy.CopyFrom(self._set)
        return copy

    def without_rules(self) -> bytes:
        """Return the set with validation rules, and the import of their definition, removed from our own files.

        Raises:
            GenerationError: a file uses `import public` or `import weak`, whose indexes would shift.
        """
        copy = type(self._set)()
        copy.CopyFrom(self._set)
        for file in copy.file:
            if not file.name.startswith(OWN):
                continue
            if file.public_dependency or file.weak_dependency:
                raise GenerationError(f"{file.name}: public and weak imports are not supported")
            kept = [name for name in file.dependency if name != RULES_FILE]
            del file.dependency[:]
            file.dependency.extend(kept)
            for message in file.message_type:
                self._strip_message(message)
            for extension in file.extension:
                self._strip(extension)
        return bytes(copy.SerializeToString(deterministic=True))

    def has_services(self, name: str) -> bool:
        """Tell whether the file called `name` declares a gRPC service."""
        return bool(self._pool.FindFileByName(name).services_by_name)

    def _strip_message(self, message: Any) -> None:
        self._strip(message)
        for part in (*message.field, *message.extension, *message.oneof_decl):
            self._strip(part)
        for nested in message.nested_type:
            self._strip_message(nested)

    def _strip(self, declaration: Any) -> None:
        if not declaration.HasField("options"):
            return
        options = declaration.options
        for name in RULES[options.DESCRIPTOR.full_name]:
            options.ClearExtension(self._pool.FindExtensionByName(name))
        if not options.ListFields():
            declaration.ClearField("options")


def generate(protos: Path, out: Path) -> None:
    """Generate everything from the contracts in `protos` into the source root `out`."""
    names = own_files(protos)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        sets = DescriptorSets(compile_descriptors(protos, names, work))
        stripped = work / "stripped.binpb"
        stripped.write_bytes(sets.without_rules())
        (out / DESCRIPTORS).parent.mkdir(parents=True, exist_ok=True)
        (out / DESCRIPTORS).write_bytes(sets.full())
        bin_folder = Path(sys.executable).parent
        run_protoc(
            f"--descriptor_set_in={stripped}",
            f"--plugin=protoc-gen-mypy={bin_folder / 'protoc-gen-mypy'}",
            f"--python_out={out}",
            f"--mypy_out=quiet:{out}",
            *names,
        )
        with_services = [name for name in names if sets.has_services(name)]
        if with_services:
            run_protoc(
                f"--descriptor_set_in={stripped}",
                f"--plugin=protoc-gen-mypy_grpc={bin_folder / 'protoc-gen-mypy_grpc'}",
                f"--grpc_python_out={out}",
                f"--mypy_grpc_out=quiet:{out}",
                *with_services,
            )
    for package in sorted({Path(name).parent for name in names}):
        _write_package(out, package)


def _write_package(out: Path, package: Path) -> None:
    parent = package.parent
    (out / package / "__init__.py").write_text(f'"""Generated from protos/{package.as_posix()}: do not edit."""\n')
    docstring = PACKAGE_DOCSTRINGS.get(parent)
    if docstring is not None:
        (out / parent / "__init__.py").write_text(f'"""{docstring}"""\n')


def generated_files(root: Path) -> Iterator[Path]:
    """Yield, relative to the source root, every file there that this tool makes."""
    for top in ("headrace/api", "headrace/internal"):
        for path in sorted((root / top).rglob("*")):
            if path.is_file() and (path.name.endswith(GENERATED_SUFFIXES) or path.name in GENERATED_NAMES):
                yield path.relative_to(root)


def differences(made: Path, committed: Path) -> list[tuple[str, Path]]:
    """Return what `committed` would need in order to equal `made`: ("write" | "remove", relative path)."""
    wanted = list(generated_files(made))
    changes = [
        ("write", path)
        for path in wanted
        if not (committed / path).exists() or not filecmp.cmp(made / path, committed / path, shallow=False)
    ]
    return changes + [("remove", path) for path in generated_files(committed) if path not in set(wanted)]


def main() -> int:
    """Write the generated code (or with `--check` compare it) and return the exit code."""
    parser = argparse.ArgumentParser(description="Generate Python code and the descriptor set from the contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where the code is not current")
    parser.add_argument("--protos", type=Path, default=ROOT / "protos", help="folder of the contracts")
    parser.add_argument("--out", type=Path, default=ROOT / "sdk", help="source root that holds the generated code")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        try:
            generate(options.protos, made)
        except GenerationError as error:
            print(f"protos: {error}", file=sys.stderr)
            return 1
        changes = differences(made, options.out)
        if options.check:
            for action, path in changes:
                print(f"protos: {path} is {'not current' if action == 'write' else 'orphaned'}", file=sys.stderr)
            if changes:
                print("protos: run `make protos` and commit what it writes", file=sys.stderr)
            return 1 if changes else 0
        for action, path in changes:
            target = options.out / path
            if action == "remove":
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((made / path).read_bytes())
        print(f"protos: {len(changes)} file(s) changed, {len(list(generated_files(made)))} generated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
