from __future__ import annotations

import pytest

from headrace import errors
from headrace_chassis.settings import SERVICE_NAMES, ServerSettings
from headrace_server.composition import Composition
from headrace_server.options import Options
from headrace_server.order import Order, Report
from headrace_server.parts import ALL_PARTS, GATEWAY
from headrace_server.postgres.configuration import CONNECTIONS_OF_A_PROCESS, configuration
from headrace_server.supervisor import refuse_open_host, url_host


def test_a_server_consists_of_all_services_and_the_gateway() -> None:
    assert {*SERVICE_NAMES, GATEWAY} == set(ALL_PARTS)


@pytest.mark.parametrize("names", [[], ["stat"], ["state", "nobody"]])
def test_a_part_that_there_is_not_is_refused(names: list[str]) -> None:
    with pytest.raises(errors.InvalidArgument, match="there are state, scheduler"):
        Composition(names, ServerSettings(), "postgresql:///headrace")


def test_a_service_without_a_database_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="HEADRACE_DATABASE_URL"):
        Composition(["identity"], ServerSettings(), None)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_this_machine_may_be_listened_on_without_sign_in(host: str) -> None:
    refuse_open_host(ServerSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_other_addresses_need_the_word_of_the_operator(host: str) -> None:
    with pytest.raises(errors.FailedPrecondition, match="--insecure-no-auth"):
        refuse_open_host(ServerSettings(host=host))
    refuse_open_host(ServerSettings(host=host, allow_without_sign_in=True))


@pytest.mark.parametrize(
    ("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "[::1]"), ("127.0.0.1", "127.0.0.1")]
)
def test_addresses_are_shown_as_a_client_can_use_them(host: str, shown: str) -> None:
    assert url_host(host) == shown


def test_what_is_told_between_processes_comes_back_as_it_was() -> None:
    order = Order("postgresql:///x", {"port": 1, "internal_token": "t"})
    assert Order.from_line(order.to_line()) == order
    report = Report(is_ready=False, fault="öh\nno")
    assert Report.from_line(report.to_line()) == report
    assert report.to_line().count(b"\n") == 1
    options = Options("memory", ALL_PARTS, {"port": 0}, log_file="x")
    assert Options.from_argument(options.to_argument()) == options


def test_connections_suffice_for_the_processes() -> None:
    for processes in (1, 4, 64):
        assert int(configuration("durable", processes=processes)["max_connections"]) > (
            CONNECTIONS_OF_A_PROCESS * processes
        )


def test_only_what_goes_with_the_server_may_be_lost() -> None:
    durable, fast = configuration("durable"), configuration("fast")
    assert not {"fsync", "synchronous_commit", "full_page_writes"} & set(durable)
    assert fast["fsync"] == "off"
    for settings in (durable, fast):
        assert settings["listen_addresses"] == ""
        assert settings["unix_socket_permissions"] == "0700"
