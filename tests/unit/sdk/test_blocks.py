"""Blocks in memory: what they hold, how they refer to each other, and what nobody sees."""

from __future__ import annotations

import asyncio
import http.server
import pathlib
import threading
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest

from headrace import errors
from headrace.blocks import (
    BUILT_IN,
    AwsCredentials,
    AzureBlobContainer,
    AzureBlobCredentials,
    Block,
    DatabaseCredentials,
    DockerRegistry,
    GcpCredentials,
    GcsBucket,
    GitCredentials,
    Json,
    LocalFileSystem,
    RemoteFileSystem,
    S3Bucket,
    Secret,
    SecretDict,
    SecretStr,
    SecretValue,
    Webhook,
    aload_block,
    aload_fields,
    load_block,
    load_fields,
)
from headrace.blocks.fields import secret_fields
from headrace.testing import LocalRuns, local_runs


class Login(Block):
    """Who logs in."""

    user: str
    password: SecretStr


class HTTPSource(Block):
    """Where data come from."""

    block_type_slug = "source"

    url: str
    login: Login | None = None
    mirrors: dict[str, Login] = pydantic.Field(default_factory=dict)
    headers: SecretDict | None = None
    keys: list[SecretStr] = pydantic.Field(default_factory=list)
    either: int | SecretValue = 0


@pytest.fixture
def runs() -> Iterator[LocalRuns]:
    with local_runs() as found:
        yield found


def test_types_are_named_after_their_classes() -> None:
    assert (Login.block_type_slug, Login.block_type_name) == ("login", "Login")
    assert (HTTPSource.block_type_slug, HTTPSource.block_type_name) == ("source", "HTTPSource")

    class ASQLStore(Block):
        pass

    assert ASQLStore.block_type_slug == "asql-store"


def test_secrets_are_found_wherever_a_type_has_them() -> None:
    assert secret_fields(Login) == ["password"]
    assert secret_fields(HTTPSource) == ["either", "headers", "keys.*", "login.password", "mirrors.*.password"]


@pytest.mark.usefixtures("runs")
def test_a_block_comes_back_as_it_was_saved() -> None:
    source = HTTPSource(
        url="https://x",
        login=Login(user="me", password="geheim"),
        mirrors={"eu": Login(user="you", password="auch")},
        headers=SecretDict({"a": 1}),
        keys=["k1", "k2"],
    )
    source.save("main")
    loaded = HTTPSource.load("main")
    assert loaded == source
    assert loaded.saved_as == source.saved_as == "source/main"
    assert loaded.login is not None
    assert loaded.login.password.get_secret_value() == "geheim"
    assert "geheim" not in repr(loaded) + str(loaded)
    assert load_fields("source/main")["keys"] == ["k1", "k2"]
    with pytest.raises(errors.AlreadyExists):
        source.save("main")
    source.url = "https://y"
    source.save("main", overwrite=True)
    assert HTTPSource.load("main").url == "https://y"
    HTTPSource.delete("main")
    with pytest.raises(errors.NotFound):
        HTTPSource.load("main")


def test_asynchronous_code_has_the_same(runs: LocalRuns) -> None:
    async def main() -> None:
        await Login(user="me", password="geheim").asave("a")
        assert (await Login.aload("a")).password.get_secret_value() == "geheim"
        assert isinstance(await aload_block("login/a"), Login)
        assert (await aload_fields("login/a"))["user"] == "me"
        await Login.adelete("a")
        with pytest.raises(errors.NotFound):
            await Login.adelete("a")

    asyncio.run(main())


@pytest.mark.usefixtures("runs")
def test_a_saved_block_within_another_is_referred_to() -> None:
    login = Login(user="me", password="geheim")
    login.save("shared")
    HTTPSource(url="a", login=login).save("a")
    HTTPSource(url="b", login=Login.load("shared"), mirrors={"eu": login}).save("b")
    Login(user="me", password="new").save("shared", overwrite=True)
    for name in ("a", "b"):
        loaded = HTTPSource.load(name)
        assert loaded.login is not None
        assert loaded.login.password.get_secret_value() == "new"
        assert loaded.login.saved_as == "login/shared"
    assert load_fields("source/b")["mirrors"]["eu"] == {"user": "me", "password": "new"}
    with pytest.raises(errors.FailedPrecondition, match="source/a, source/b"):
        Login.delete("shared")


@pytest.mark.usefixtures("runs")
def test_blocks_are_found_by_type_and_name() -> None:
    Login(user="me", password="x").save("a")
    assert isinstance(load_block("login/a"), Login)
    assert isinstance(Block.load("login/a"), Login)
    for wrong in ("login", "login/", "/a", "login/a/b"):
        with pytest.raises(errors.InvalidArgument):
            load_block(wrong)


@pytest.mark.usefixtures("runs")
def test_a_block_that_does_not_fit_its_class_says_so_without_its_values() -> None:
    class Narrow(Block):
        block_type_slug = "shifting"

        value: SecretStr

    class Wide(Block):
        block_type_slug = "shifting"

        value: SecretDict

    Narrow(value="geheim").save("a")
    with pytest.raises(errors.InvalidArgument, match="shifting/a does not fit") as caught:
        Wide.load("a")
    assert "geheim" not in str(caught.value)
    with pytest.raises(pydantic.ValidationError) as wrong:
        Wide(value="geheim")
    assert "geheim" not in str(wrong.value)


@pytest.mark.usefixtures("runs")
def test_the_types_that_come_with_headrace_can_be_saved_and_loaded(tmp_path: pathlib.Path) -> None:
    aws = AwsCredentials(access_key_id="k", secret_access_key="s", region_name="eu-west-1", session_token="t")
    examples: list[Block] = [
        aws,
        AzureBlobCredentials(account_name="a", account_key="k"),
        GcpCredentials(service_account_info=SecretDict({"type": "service_account"}), project="p"),
        S3Bucket(bucket="b", folder="/f/", credentials=aws),
        GcsBucket(bucket="b", credentials=GcpCredentials(service_account_file="/k.json")),
        AzureBlobContainer(container="c", credentials=AzureBlobCredentials(connection_string="x")),
        DatabaseCredentials(driver="postgresql", username="u", password="p@ss"),
        DockerRegistry(registry_url="r", username="u", password="p"),
        GitCredentials(token="t"),
        Json(value={"a": [1]}),
        LocalFileSystem(basepath=str(tmp_path)),
        RemoteFileSystem(basepath="memory://x", settings=SecretDict({"a": 1})),
        Secret(value=SecretValue({"a": 1})),
        Webhook(url="https://x/y"),
    ]
    for example in examples:
        example.save("example")
        assert type(example).load("example") == example
    assert {type(example) for example in examples} | {
        each for each in BUILT_IN if each.block_type_slug == "email-server"
    } == set(BUILT_IN)


def test_files_stay_below_their_place(tmp_path: pathlib.Path) -> None:
    files = LocalFileSystem(basepath=str(tmp_path / "root"))
    assert files.write_path("a/b.txt", b"hello").endswith("/root/a/b.txt")
    assert files.read_path("a/b.txt") == b"hello"
    assert asyncio.run(files.aread_path("/a/b.txt")) == b"hello"
    with pytest.raises(errors.InvalidArgument, match="leads out"):
        files.read_path("../secret")
    with pytest.raises(FileNotFoundError):
        files.read_path("none")
    files.get_directory("a", tmp_path / "copy")
    assert (tmp_path / "copy" / "b.txt").read_bytes() == b"hello"
    assert files.put_directory(tmp_path / "copy", "c/d") == 1
    assert files.read_path("c/d/b.txt") == b"hello"
    memory = RemoteFileSystem(basepath="memory://headrace-test")
    memory.write_path("x", b"1")
    assert asyncio.run(memory.aread_path("x")) == b"1"
    for wrong in ("/just/a/path", "s3://user:password@bucket"):
        with pytest.raises(pydantic.ValidationError):
            RemoteFileSystem(basepath=wrong)


def test_storages_of_clouds_tell_fsspec_what_it_needs() -> None:
    aws = AwsCredentials(access_key_id="k", secret_access_key="s", region_name="eu", endpoint_url="http://minio")
    bucket = S3Bucket(bucket="b", folder="/f/", credentials=aws)
    assert bucket.storage_url() == "s3://b/f"
    client = {"region_name": "eu", "endpoint_url": "http://minio"}
    assert bucket.storage_options() == {"key": "k", "secret": "s", "client_kwargs": client}
    assert GcsBucket(bucket="b").storage_url() == "gs://b"
    assert GcpCredentials(service_account_file="/k").storage_options() == {"token": "/k"}
    azure = AzureBlobContainer(container="c", credentials=AzureBlobCredentials(account_name="a", account_key="k"))
    assert (azure.storage_url(), azure.storage_options()) == ("abfs://c", {"account_name": "a", "account_key": "k"})
    with pytest.raises(pydantic.ValidationError):
        AzureBlobCredentials()


def test_credentials_are_written_into_urls_only_where_they_belong() -> None:
    git = GitCredentials(token="t/1")
    assert git.apply_to("https://github.com/o/r.git") == "https://x-access-token:t%2F1@github.com/o/r.git"
    assert git.apply_to("https://gitlab.com/o/r.git") == "https://oauth2:t%2F1@gitlab.com/o/r.git"
    named = GitCredentials(username="me", token="t")
    assert named.apply_to("https://git.local:8443/r") == "https://me:t@git.local:8443/r"
    for wrong in ("http://github.com/o/r", "git@github.com:o/r", "https://a:b@github.com/o/r"):
        with pytest.raises(errors.InvalidArgument):
            git.apply_to(wrong)
    database = DatabaseCredentials(
        driver="postgresql+psycopg",
        host="::1",
        port=5432,
        username="u",
        password="p@:",
        database="d",
        options={"a": "b"},
    )
    assert database.url() == "postgresql+psycopg://u:p%40%3A@[::1]:5432/d?a=b"


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    """A web server that keeps what it is sent."""
    heard: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            heard.append((self.path, self.headers.get("X-Key"), self.headers.get("Content-Type"), body))
            self.send_response(302 if self.path == "/away" else 418 if self.path == "/teapot" else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_web_hook_is_called(hook: tuple[str, list[Any]]) -> None:
    url, heard = hook
    assert Webhook(url=f"{url}/a", headers=SecretDict({"X-Key": "k"})).call({"n": 1}).status == 200
    assert asyncio.run(Webhook(url=f"{url}/teapot").acall()).status == 418
    assert Webhook(url=f"{url}/away").call().status == 302
    assert heard == [
        ("/a", "k", "application/json", b'{"n": 1}'),
        ("/teapot", None, None, b""),
        ("/away", None, None, b""),
    ]
    with pytest.raises(errors.PermissionDenied):
        Webhook(url=f"{url}/a", allow_private_urls=False).call()
    with pytest.raises(errors.Unavailable) as caught:
        Webhook(url="http://127.0.0.1:9/geheim").call()
    assert "geheim" not in str(caught.value)
    with pytest.raises(pydantic.ValidationError):
        Webhook(url="file:///etc/passwd")
