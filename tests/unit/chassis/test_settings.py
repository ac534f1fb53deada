from __future__ import annotations

import pytest

from headrace import errors
from headrace_chassis.settings import ServerSettings
from headrace_chassis.settings_told import told_settings


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_DATABASE_URL", raising=False)


def test_the_defaults_listen_on_loopback() -> None:
    settings = ServerSettings.load()
    assert (settings.host, settings.port, settings.grpc_port_or_default) == ("127.0.0.1", 4200, 4201)
    assert settings.database_url is None
    assert not settings.reflection
    assert not settings.allow_without_sign_in


@pytest.mark.parametrize(
    ("port", "grpc_port", "expected"), [("5000", None, 5001), ("5000", "6000", 6000), ("0", None, 0), ("0", "7", 7)]
)
def test_the_grpc_port_follows_the_http_port(
    monkeypatch: pytest.MonkeyPatch, port: str, grpc_port: str | None, expected: int
) -> None:
    monkeypatch.setenv("HEADRACE_SERVER_PORT", port)
    if grpc_port is not None:
        monkeypatch.setenv("HEADRACE_SERVER_GRPC_PORT", grpc_port)
    assert ServerSettings.load().grpc_port_or_default == expected


@pytest.mark.parametrize("variable", ["HEADRACE_DATABASE_URL", "HEADRACE_SERVER_DATABASE_URL"])
def test_the_database_url_has_two_names_and_is_secret(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "postgresql://me:hidden@db/headrace")
    settings = ServerSettings.load()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://me:hidden@db/headrace"
    assert "hidden" not in repr(settings)


def test_the_internal_token_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SERVER_INTERNAL_TOKEN", "hidden")
    settings = ServerSettings.load()
    assert "hidden" not in repr(settings)
    assert "hidden" not in settings.model_dump_json()


def test_addresses_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SERVER_ADDRESSES", '{"state": "state:4201"}')
    assert ServerSettings.load().addresses == {"state": "state:4201"}


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HEADRACE_SERVER_PORT", "http", "valid integer"),
        ("HEADRACE_SERVER_PORT", "70000", "65535"),
        ("HEADRACE_SERVER_LOG_LEVEL", "loud", "DEBUG"),
        ("HEADRACE_SERVER_PROCESSES", "0", "greater than or equal to 1"),
        ("HEADRACE_SERVER_ADDRESSES", '{"nobody": "x"}', "unknown service nobody"),
        ("HEADRACE_SERVER_POOL_MIN_SIZE", "50", "pool_min_size must not be above"),
        ("HEADRACE_SERVER_DRAIN_SECONDS", "-1", "greater than or equal to 0"),
    ],
)
def test_a_wrong_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(errors.InvalidArgument, match=words) as caught:
        ServerSettings.load()
    assert caught.value.reason == "INVALID_SETTINGS"
    if variable != "HEADRACE_SERVER_POOL_MIN_SIZE":
        assert [violation.field for violation in caught.value.violations] == [variable]


def test_a_wrong_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SERVER_ADDRESSES", "not json, but hidden")
    with pytest.raises(errors.InvalidArgument) as caught:
        ServerSettings.load()
    assert "hidden" not in str(caught.value)


def test_a_level_may_be_written_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SERVER_LOG_LEVEL", "debug")
    assert ServerSettings.load().log_level == "DEBUG"


def test_an_address_of_a_service_goes_before_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SERVER_ADDRESSES", '{"state": "state:1", "log": "log:1"}')
    monkeypatch.setenv("HEADRACE_SERVER_STATE_ADDRESS", "state:2")
    assert ServerSettings.load().targets == {"state": "state:2", "log": "log:1"}


@pytest.mark.parametrize("text", ['["10.0.0.0/8", "mail.lan"]', "10.0.0.0/8,mail.lan", " 10.0.0.0/8 , mail.lan, "])
def test_several_texts_are_json_or_separated_by_commas(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HEADRACE_SERVER_EGRESS_ALLOW", text)
    assert ServerSettings.load().egress_allow == ("10.0.0.0/8", "mail.lan")


def test_a_list_that_is_no_list_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SERVER_EGRESS_ALLOW", "[10.0.0.0/8]")
    with pytest.raises(errors.InvalidArgument, match=r"HEADRACE_SERVER_EGRESS_ALLOW|egress_allow"):
        ServerSettings.load()


def test_all_settings_are_told_and_no_secret_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_DATABASE_URL", "postgresql://mill:a-password@database/headrace")
    monkeypatch.setenv("HEADRACE_SERVER_LOG_RETENTION_DAYS", "7")
    monkeypatch.setenv("HEADRACE_SERVER_EGRESS_ALLOW", '["10.0.0.0/8"]')
    told = {each.variable: each for each in told_settings(ServerSettings.load(smtp_password="mill-stones"))}
    assert len(told) == len(ServerSettings.model_fields)
    database = told["HEADRACE_DATABASE_URL"]
    assert (database.secret, database.customized, database.value) == (True, True, "")
    assert told["HEADRACE_SERVER_SMTP_PASSWORD"].customized
    kept = told["HEADRACE_SERVER_LOG_RETENTION_DAYS"]
    assert (kept.value, kept.customized) == ("7", True)
    assert kept.description == "Days that log records are kept; None keeps them."
    assert told["HEADRACE_SERVER_EGRESS_ALLOW"].value == '["10.0.0.0/8"]'
    assert (told["HEADRACE_SERVER_PORT"].value, told["HEADRACE_SERVER_PORT"].customized) == ("4200", False)
    assert told["HEADRACE_SERVER_REFLECTION"].value == "false"
    assert told["HEADRACE_SERVER_METRICS_PORT"].value == ""
    assert "a-password" not in str(told)
    assert "mill-stones" not in str(told)
