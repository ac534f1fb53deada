"""Generate the clients in other languages from `protos/` into `clients/`.

Runs in `.venv-protos`, like `tools/protos.py`, with the generators of each language, pinned here and in
`clients/typescript/package-lock.json`. A language whose tools this machine does not have is passed over, and said so.

Clients get the public contract alone, without validation rules, HTTP annotations and permissions: these are the
server's, and would bring libraries with them. Go's code is committed, since Go fetches modules from the repository;
that it is current is checked by the digest in `clients/go/contract.sha256`. TypeScript's and Java's is made when
their packages are built.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools import protos

ROOT = protos.ROOT
CLIENTS = ROOT / "clients"
TOOLS = ROOT / ".make" / "generators"
PUBLIC = "headrace/api/v1/"
DIGEST = CLIENTS / "go" / "contract.sha256"
# What the contract uses of others; the languages have libraries with it, but TypeScript.
BODY = "google/api/httpbody.proto"
BORROWED = ("google/protobuf/", "google/rpc/", BODY)
OPTIONS = f"{PUBLIC}options.proto"
ANNOTATIONS = "google/api/annotations.proto"

GO_MODULE = "github.com/headrace/headrace/clients/go"
GO_GENERATORS = {
    "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
    "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
}
JAVA_PROTOC = "4.35.1"
JAVA_GRPC = "1.80.0"
JAVA_PACKAGE = "io.headrace.api.v1"


def contract(source: Path) -> bytes:
    """Return the public contract as clients need it: a serialized FileDescriptorSet with comments."""
    names = [name for name in protos.own_files(source) if name.startswith(PUBLIC)]
    with tempfile.TemporaryDirectory() as folder:
        compiled = protos.compile_descriptors(source, names, Path(folder))
    files = protos.DescriptorSets(protos.DescriptorSets(compiled).without_rules()).files()
    for file in files.file:
        if not file.name.startswith(PUBLIC):
            continue
        kept = [name for name in file.dependency if name != ANNOTATIONS and not _is_unused(name, file)]
        del file.dependency[:]
        file.dependency.extend(kept)
        for service in file.service:
            for method in service.method:
                method.ClearField("options")
        file.options.go_package = f"{GO_MODULE}/{PUBLIC.rstrip('/')};headracev1"
        file.options.java_package = JAVA_PACKAGE
        file.options.java_multiple_files = True
        # Else the class of a file may have the name of a message of another.
        file.options.java_outer_classname = f"{Path(file.name).stem.title().replace('_', '')}Proto"
    ours = [file for file in files.file if file.name.startswith((PUBLIC, *BORROWED))]
    del files.file[:]
    files.file.extend(ours)
    return bytes(files.SerializeToString(deterministic=True))


def _is_unused(name: str, file: Any) -> bool:
    # Permissions stand at methods, which lose them; a few messages speak of them as well.
    uses = b"".join(message.SerializeToString() for message in file.message_type)
    return name == OPTIONS and f".{PUBLIC.rstrip('/').replace('/', '.')}.Permission".encode() not in uses


def digest(described: bytes) -> str:
    """Return what tells one contract from another."""
    return hashlib.sha256(described).hexdigest() + "\n"


def _run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> None:
    words = [str(word) for word in command]
    if subprocess.run(words, check=False, cwd=cwd, env={**os.environ, **environment}).returncode != 0:
        raise protos.GenerationError(f"this failed: {' '.join(words)}")


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def generate_go(described: Path, names: list[str]) -> None:
    """Write `clients/go/headrace`."""
    for name, module in GO_GENERATORS.items():
        if not (TOOLS / name).exists():
            _run("go", "install", module, GOBIN=str(TOOLS))
    _emptied(CLIENTS / "go" / "headrace")
    protos.run_protoc(
        f"--descriptor_set_in={described}",
        *(f"--plugin={name}={TOOLS / name}" for name in GO_GENERATORS),
        *(f"--{kind}_out={CLIENTS / 'go'}" for kind in ("go", "go-grpc")),
        *(f"--{kind}_opt=module={GO_MODULE}" for kind in ("go", "go-grpc")),
        *names,
    )


def generate_typescript(described: Path, names: list[str]) -> None:
    """Write `clients/typescript/src/gen`."""
    folder = CLIENTS / "typescript"
    plugin = folder / "node_modules" / ".bin" / "protoc-gen-es"
    if not plugin.exists():
        _run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
    out = _emptied(folder / "src" / "gen")
    protos.run_protoc(
        f"--descriptor_set_in={described}",
        f"--plugin={plugin}",
        f"--es_out={out}",
        "--es_opt=target=ts,import_extension=js",
        *names,
        BODY,
    )


def generate_java(described: Path, names: list[str]) -> None:
    """Write `clients/java/generated`, with the generators that Maven Central has."""
    protoc = _of_maven(f"com.google.protobuf:protoc:{JAVA_PROTOC}")
    plugin = _of_maven(f"io.grpc:protoc-gen-grpc-java:{JAVA_GRPC}")
    out = _emptied(CLIENTS / "java" / "generated")
    _run(
        protoc,
        f"--descriptor_set_in={described}",
        f"--plugin=protoc-gen-grpc-java={plugin}",
        f"--java_out={out}",
        f"--grpc-java_out={out}",
        *names,
    )


def _of_maven(artifact: str) -> Path:
    _, name, version = artifact.split(":")
    machine = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch_64", "arm64": "aarch_64"}[os.uname().machine]
    platform = f"{'osx' if sys.platform == 'darwin' else 'linux'}-{machine}"
    program = TOOLS / f"{name}-{version}-{platform}.exe"
    if not program.exists():
        _run(
            "mvn",
            "--quiet",
            "--batch-mode",
            "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
            f"-Dartifact={artifact}:exe:{platform}",
            f"-DoutputDirectory={TOOLS}",
        )
        program.chmod(0o755)
    return program


def build_go() -> None:
    """Make `clients/go/bin/run`, the example."""
    _run("go", "build", "-o", "bin/", "./examples/...", cwd=CLIENTS / "go")


def build_typescript() -> None:
    """Make `clients/typescript/dist`."""
    _run("npm", "run", "--silent", "build", cwd=CLIENTS / "typescript")


def build_java() -> None:
    """Make `clients/java/target`."""
    _run("mvn", "--quiet", "--batch-mode", "package", cwd=CLIENTS / "java")


# Language -> the program that it needs, how its code is generated, how its package is built.
LANGUAGES: dict[str, tuple[str, Callable[[Path, list[str]], None], Callable[[], None]]] = {
    "go": ("go", generate_go, build_go),
    "typescript": ("npm", generate_typescript, build_typescript),
    "java": ("mvn", generate_java, build_java),
}


def main() -> int:
    """Write the code of the clients, or with `--check` compare its digest, and return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the clients in other languages from the contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where Go's code is not current")
    parser.add_argument("--build", action="store_true", help="build the packages and their examples, too")
    parser.add_argument("languages", nargs="*", metavar="language", help=f"of {', '.join(LANGUAGES)}; by default all")
    options = parser.parse_args()
    if unknown := sorted(set(options.languages) - set(LANGUAGES)):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(LANGUAGES)}")
    described = contract(ROOT / "protos")
    if options.check:
        if DIGEST.read_text() == digest(described):
            return 0
        print("clients: the contract has changed; run `make clients` and commit what it writes", file=sys.stderr)
        return 1
    TOOLS.mkdir(parents=True, exist_ok=True)
    names = [name for name in protos.own_files(ROOT / "protos") if name.startswith(PUBLIC)]
    with tempfile.NamedTemporaryFile(suffix=".binpb") as file:
        file.write(described)
        file.flush()
        for language in options.languages or LANGUAGES:
            tool, generate, build = LANGUAGES[language]
            if shutil.which(tool) is None:
                print(f"clients: passed over {language}, since there is no {tool} here", file=sys.stderr)
                continue
            try:
                generate(Path(file.name), names)
                if language == "go":
                    DIGEST.write_text(digest(described))
                if options.build:
                    build()
            except protos.GenerationError as error:
                print(f"clients: {language}: {error}", file=sys.stderr)
                return 1
            print(f"clients: {language} is {'built' if options.build else 'written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
