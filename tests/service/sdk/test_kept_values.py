"""Blocks and variables on a real server: from Python, in templates, and on the command line."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable

import pytest

from headrace import errors, flow, task
from headrace.blocks import AwsCredentials, Block, GitCredentials, S3Bucket, Secret, SecretStr, SecretValue
from headrace.blocks.core import load_fields
from headrace.cli import root
from headrace.client import Client

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
    assert "ALREADY" in headrace("block", "create", "git-credentials/cli", "-f", "token=x", expect=5).upper()
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
