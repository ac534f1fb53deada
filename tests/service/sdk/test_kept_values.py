"""Blocks and variables on a real server: from Python, in templates, and on the command line."""

from __future__ import annotations

import asyncio
import json
import pathlib
from collections.abc import Callable

import pytest

from headrace import errors, flow, task
from headrace.blocks import AwsCredentials, Block, GitCredentials, S3Bucket, Secret, SecretStr, SecretValue
from headrace.blocks.core import load_fields
from headrace.cli import root
from headrace.client import Client
from headrace.concurrency import Holder, concurrency
from headrace.templating import aresolve_templates, resolve_templates
from headrace.variables import Variable

Run = Callable[..., str]


class Warehouse(Block):
    """Where the data are."""

    url: str
    password: SecretStr
    lake: S3Bucket | None = None


@pytest.fixture
def headrace(client: Client, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command of the command line and returns what it wrote."""

    def run(*arguments: str, expect: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            root.run(list(arguments))
        captured = capsys.readouterr()
        assert (ended.value.code or 0) == expect, captured
        return captured.out + captured.err

    return run


@pytest.mark.usefixtures("client")
def test_a_flow_loads_blocks_that_refer_to_others() -> None:
    credentials = AwsCredentials(access_key_id="k", secret_access_key="geheim")
    credentials.save("prod")
    lake = S3Bucket(bucket="b", credentials=credentials)
    lake.save("lake")
    Warehouse(url="postgresql://x", password="geheim", lake=lake).save("main")

    @task
    def connect() -> str:
        found = Warehouse.load("main")
        assert found.lake is not None
        assert found.lake.storage_options() == {"key": "k", "secret": "geheim"}
        return found.password.get_secret_value()

    @flow
    def loads() -> str:
        return connect()

    assert loads() == "geheim"
    assert load_fields("warehouse/main")["lake"]["credentials"]["secret_access_key"] == "geheim"
    with pytest.raises(errors.FailedPrecondition, match="s3-bucket/lake"):
        AwsCredentials.delete("prod")
    with pytest.raises(errors.InvalidArgument):
        Warehouse(url="x", password="y").save("Not a name")


def test_blocks_on_the_command_line(headrace: Run, tmp_path: pathlib.Path) -> None:
    token = tmp_path / "token"
    token.write_text("geheim\n")
    created = headrace(
        "block", "create", "git-credentials/cli", "-f", "username=me", "--field-file", f"token={token}", "-o", "json"
    )
    assert json.loads(created)["data"] == {"username": "me", "token": "********"}
    assert GitCredentials.load("cli").token.get_secret_value() == "geheim"
    assert "exists" in headrace("block", "create", "git-credentials/cli", "-f", "token=x", expect=5)
    headrace("block", "create", "git-credentials/cli", "--json", '{"token": "********"}', "--overwrite")
    assert GitCredentials.load("cli") == GitCredentials(token="geheim")
    assert "geheim" not in headrace("block", "inspect", "git-credentials/cli")
    assert "geheim" in headrace("block", "inspect", "git-credentials/cli", "--show-secrets")
    assert "git-credentials/cli" in headrace("block", "ls", "--type", "git-credentials")
    assert json.loads(headrace("block", "ls", "--name", "nothing like it", "-o", "json")) == []
    headrace("block", "create", "git-credentials/bad", "-f", "tokn=x", expect=2)
    headrace("block", "create", "no-such-type/x", "-f", "a=b", expect=3)
    headrace("block", "delete", "git-credentials/cli")
    headrace("block", "inspect", "git-credentials/cli", expect=3)


def test_types_on_the_command_line(headrace: Run, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "own_blocks.py"
    file.write_text(
        "from __future__ import annotations\n"
        "from headrace.blocks import Block, SecretStr, Secret\n"
        "class OwnThing(Block):\n"
        "    '''A thing of its own.'''\n"
        "    key: SecretStr\n"
        "    size: int = 1\n"
    )
    assert "own-thing" in headrace("block", "register", "--file", str(file))
    assert "webhook" in headrace("block", "register")
    assert "warehouse" in headrace("block", "register", "-m", __name__)
    shown = headrace("block", "type", "inspect", "own-thing")
    assert "A thing of its own." in shown
    assert json.loads(headrace("block", "type", "ls", "--text", "own", "-o", "json"))[0]["slug"] == "own-thing"
    assert "s3-bucket" in headrace("block", "type", "ls", "--capability", "read-path")
    headrace("block", "create", "own-thing/a", "--json", '{"key": "k", "size": 3}')
    headrace("block", "type", "delete", "own-thing", expect=5)
    headrace("block", "delete", "own-thing/a")
    headrace("block", "type", "delete", "own-thing")
    headrace("block", "type", "inspect", "own-thing", expect=3)


def test_secrets_are_in_no_answer_that_did_not_ask_for_them(client: Client, headrace: Run) -> None:
    Secret(value=SecretValue({"deep": ["geheim"]})).save("one")
    for command in (("ls",), ("inspect", "secret/one"), ("type", "inspect", "secret")):
        assert "geheim" not in headrace("block", *command, "-o", "json")
    assert Secret.load("one").get() == {"deep": ["geheim"]}


def test_templates_are_filled_with_what_the_server_keeps(client: Client, environment: pytest.MonkeyPatch) -> None:
    Variable.set("api", {"url": "https://x", "ports": [1, 2]})
    Secret(value=SecretValue("geheim")).save("template")
    environment.setenv("REGION", "eu")
    filled = resolve_templates(
        {
            "url": "{{ headrace.variables.api.url }}/{{ $REGION }}/{{ build.tag }}",
            "ports": ["{{ headrace.variables.api.ports }}", "{{ headrace.variables.api.ports.1 }}"],
            "token": "Bearer {{ headrace.blocks.secret.template.value }}",
            "zone": "{{ $NO_SUCH_ZONE | any }}",
        },
        {"build": {"tag": "v1"}},
    )
    assert filled == {"url": "https://x/eu/v1", "ports": [[1, 2], 2], "token": "Bearer geheim", "zone": "any"}
    assert asyncio.run(aresolve_templates("{{ headrace.blocks.secret.template }}")) == {"value": "geheim"}
    assert resolve_templates("{{ later.output }}", keep_unknown=True) == "{{ later.output }}"
    for wrong in ("{{ later.output }}", "{{ headrace.variables.none }}", "{{ headrace.blocks.secret.none.value }}"):
        with pytest.raises(errors.InvalidArgument):
            resolve_templates([wrong])


def test_variables_on_the_command_line(headrace: Run, tmp_path: pathlib.Path) -> None:
    headrace("variable", "set", "cli-one", '{"a": 1}', "--tag", "x", "--tag", "y")
    headrace("variable", "set", "cli-one", "2", expect=5)
    file = tmp_path / "value"
    file.write_text("a text")
    kept = json.loads(headrace("variable", "set", "cli-two", "--file", str(file), "--tag", "x", "-o", "json"))
    assert (kept["name"], kept["value"], kept["tags"]) == ("cli-two", "a text", ["x"])
    assert headrace("variable", "get", "cli-one").strip() == '{"a": 1}'
    shown = headrace("variable", "inspect", "cli-one")
    assert "x, y" in shown

    def names(*options: str) -> list[str]:
        return [each["name"] for each in json.loads(headrace("variable", "ls", "-o", "json", *options))]

    assert names("--tag", "x") == ["cli-one", "cli-two"]
    assert names("--tag", "x", "--tag", "y") == ["cli-one"]
    assert names("--any-tag", "y", "--any-tag", "z") == ["cli-one"]
    assert names("--name", "two") == ["cli-two"]
    headrace("variable", "set", "cli-one", "3", "--overwrite")
    assert Variable.get("cli-one") == 3
    headrace("variable", "set", "cli-one", expect=2)
    for name in ("cli-one", "cli-two"):
        headrace("variable", "unset", name)
    headrace("variable", "inspect", "cli-one", expect=3)


def test_limits_and_their_holders_on_the_command_line(headrace: Run) -> None:
    shown = headrace("concurrency-limit", "set", "cli-limit", "1", "-o", "json")
    assert json.loads(shown)["limit"] == 1
    with concurrency("cli-limit", holder=Holder("batch", "nightly"), lease_duration=30):
        shown = headrace("concurrency-limit", "inspect", "cli-limit")
        assert "batch" in shown
        assert "nightly" in shown
        headrace("concurrency-limit", "evict", "cli-limit", expect=2)
        headrace("concurrency-limit", "evict", "cli-limit", "somebody else", expect=3)
        evicted = json.loads(headrace("concurrency-limit", "evict", "cli-limit", "nightly", "-o", "json"))
        assert [each["holder_id"] for each in evicted] == ["nightly"]
        assert json.loads(headrace("concurrency-limit", "inspect", "cli-limit", "-o", "json"))["active_slots"] == 0
    assert "cli-limit" in headrace("concurrency-limit", "ls", "--name", "cli-l")
    assert "0 of the holders" in headrace("concurrency-limit", "evict", "cli-limit", "--all")
