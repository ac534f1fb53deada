from __future__ import annotations

import pytest

from headrace.client.versions import VersionSkew, check_versions

URL = "http://127.0.0.1:4200"


@pytest.mark.parametrize(
    ("client", "server"),
    [
        ("0.1.0", "0.1.9"),
        ("0.3.0", "0.1.0"),
        ("0.1.0", "0.3.2"),
        ("0.5.0", "dev"),
        ("0.5.0", ""),
        ("1.2.0rc1", "1.4.0"),
    ],
)
def test_two_releases_apart_is_near_enough(client: str, server: str) -> None:
    check_versions(client, server, "", URL)


def test_a_server_that_is_too_old_is_named_with_both_ways_out() -> None:
    with pytest.raises(VersionSkew) as caught:
        check_versions("0.5.0", "0.2.1", "", URL)
    message = str(caught.value)
    assert "the server is more than 2 releases older" in message
    assert "pip install 'headrace==0.2.1'" in message
    assert URL in message


def test_a_client_that_is_too_old_is_told_to_upgrade() -> None:
    with pytest.raises(VersionSkew, match=r"upgrade the client.*headrace==0\.9\.0"):
        check_versions("0.5.0", "0.9.0", "", URL)
    with pytest.raises(VersionSkew, match="the client is more"):
        check_versions("0.5.0", "1.0.0", "", URL)


def test_the_least_version_that_a_server_names_holds() -> None:
    with pytest.raises(VersionSkew, match=r"serves clients from version 0\.2\.0 on"):
        check_versions("0.1.0", "0.3.0", "0.2.0", URL)
    check_versions("0.2.0", "0.3.0", "0.2.0", URL)
