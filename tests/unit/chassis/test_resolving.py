from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import errors
from headrace_chassis import resolving
from headrace_chassis.caller import Caller

TOKEN = "a token"


def through(caller: Caller) -> Caller | None:
    metadata = {resolving.INTERNAL_TOKEN_KEY: TOKEN, resolving.ON_BEHALF_OF_KEY: resolving.pack_caller(caller)}
    return resolving.internal_caller(metadata, TOKEN, caller.correlation_id)


@given(st.uuids(), st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_the_original_caller_crosses(workspace_id: uuid.UUID, principal: str, name: str) -> None:
    caller = Caller(workspace_id, principal, "user", name, frozenset({"PERMISSION_RUNS_VIEW"}), "c")
    back = through(caller)
    assert back is not None
    assert (back.workspace_id, back.principal_id, back.display_name) == (workspace_id, principal, name)
    assert resolving.pack_caller(caller).isascii()


def test_without_a_token_a_call_is_not_internal() -> None:
    assert resolving.internal_caller({}, TOKEN, "c") is None
    # An outsider cannot act for somebody else.
    assert resolving.internal_caller({resolving.ON_BEHALF_OF_KEY: "workspace=x"}, TOKEN, "c") is None


@pytest.mark.parametrize(
    ("given_token", "token"), [("guess", TOKEN), ("", TOKEN), ("", None), ("", ""), (b"\xff", TOKEN)]
)
def test_a_wrong_token_is_refused(given_token: str | bytes, token: str | None) -> None:
    with pytest.raises(errors.Unauthenticated):
        resolving.internal_caller({resolving.INTERNAL_TOKEN_KEY: given_token}, token, "c")


@pytest.mark.parametrize(
    "packed", ["", "workspace=x&kind=user", "kind=user", f"workspace={uuid.UUID(int=1)}&kind=god", "&" * 20]
)
def test_an_unreadable_original_caller_is_refused(packed: str) -> None:
    metadata = {resolving.INTERNAL_TOKEN_KEY: TOKEN, resolving.ON_BEHALF_OF_KEY: packed}
    with pytest.raises(errors.Unauthenticated):
        resolving.internal_caller(metadata, TOKEN, "c")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback_is_known(host: str, expected: bool) -> None:
    assert resolving.is_loopback(host) is expected


def test_a_caller_without_the_permission_is_refused() -> None:
    caller = Caller(uuid.UUID(int=1), "p", "user", "P", frozenset({"PERMISSION_RUNS_VIEW"}), "c")
    caller.require("PERMISSION_RUNS_VIEW")
    with pytest.raises(errors.PermissionDenied, match="runs-edit"):
        caller.require("PERMISSION_RUNS_EDIT")
    assert not resolving.anonymous("c").may("PERMISSION_RUNS_VIEW")
