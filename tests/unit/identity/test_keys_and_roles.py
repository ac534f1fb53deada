"""The text of keys, and what roles amount to."""

from __future__ import annotations

import datetime
import os
import uuid

from headrace_chassis import caller
from headrace_identity.rules import keys, run_tokens
from headrace_identity.rules.roles import (
    ACCOUNT_ADMIN,
    Assignment,
    built_in_roles,
    choose_workspace,
    judge_rights,
    word,
)
from headrace_identity.wire import PERMISSION_NAMES

HERE, THERE = uuid.UUID(int=1), uuid.UUID(int=2)
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
ROLES = built_in_roles(PERMISSION_NAMES)
SECRET = os.urandom(keys.SECRET_BYTES)


def stored(**changes: object) -> keys.StoredKey:
    fields: dict[str, object] = {
        "api_key_id": "1",
        "principal_id": HERE,
        "workspace_id": None,
        "secret_hash": keys.hash_secret(SECRET),
        "permissions": frozenset(),
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
    }
    return keys.StoredKey(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_key_is_read_as_it_was_written() -> None:
    api_key_id, text = keys.write_key(os.urandom(keys.ID_BYTES), SECRET)
    assert keys.read_key(text) == (api_key_id, SECRET)


def test_what_is_no_key_is_none() -> None:
    for text in ("", "hr_", "hr__", "hr_1_2", "hr_" + "0" * 20 + "_" + "a" * 42, "xx_" + "0" * 20 + "_" + "a" * 43):
        assert keys.read_key(text) is None


def test_a_key_works_until_it_ends_or_is_revoked() -> None:
    assert keys.is_good(stored(), SECRET, NOW)
    assert keys.is_good(stored(expires_at=NOW + datetime.timedelta(seconds=1)), SECRET, NOW)
    assert not keys.is_good(stored(expires_at=NOW), SECRET, NOW)
    assert not keys.is_good(stored(revoked_at=NOW), SECRET, NOW)
    assert not keys.is_good(stored(), os.urandom(keys.SECRET_BYTES), NOW)
    assert not keys.is_good(None, SECRET, NOW)


def test_roles_hold_only_what_there_is() -> None:
    for role in ROLES.values():
        assert role.permissions <= PERMISSION_NAMES
    assert [handle for handle, role in ROLES.items() if ACCOUNT_ADMIN in role.permissions] == ["owner"]


def test_roles_of_other_workspaces_do_not_count() -> None:
    rights = judge_rights([Assignment(THERE, ROLES["admin"].permissions)], HERE)
    assert not rights.permissions
    assert not rights.is_member


def test_the_account_is_administered_only_by_who_owns_all_of_it() -> None:
    owner = ROLES["owner"].permissions
    assert ACCOUNT_ADMIN not in judge_rights([Assignment(HERE, owner)], HERE).permissions
    assert ACCOUNT_ADMIN in judge_rights([Assignment(None, owner)], HERE).permissions


def test_a_key_can_do_no_more_than_it_was_made_for() -> None:
    most = frozenset({"PERMISSION_FLOWS_VIEW", "PERMISSION_FLOWS_EDIT"})
    rights = judge_rights([Assignment(HERE, ROLES["viewer"].permissions)], HERE, most)
    assert rights.permissions == {"PERMISSION_FLOWS_VIEW"}


def test_a_role_on_an_object_is_no_role_on_all() -> None:
    rights = judge_rights([Assignment(HERE, ROLES["runner"].permissions, "deployment", "d")], HERE)
    assert rights.is_member
    assert not rights.permissions
    assert "PERMISSION_DEPLOYMENTS_RUN" in rights.objects[("deployment", "d")]


def test_who_names_no_workspace_gets_their_own() -> None:
    assert choose_workspace([Assignment(None, frozenset())], None, HERE) == HERE
    assert choose_workspace([Assignment(THERE, frozenset())], None, HERE) == THERE
    assert choose_workspace([Assignment(None, frozenset())], THERE, HERE) == THERE
    assert choose_workspace([], None, HERE) is None


def test_identity_and_guards_speak_of_permissions_and_runs_alike() -> None:
    assert run_tokens.CREDENTIAL == caller.RUN_CREDENTIAL
    assert {word(name) for name in PERMISSION_NAMES} == {caller.permission_word(name) for name in PERMISSION_NAMES}
