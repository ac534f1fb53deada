"""Which versions of client and server work together: two releases apart at most.

Releases count by their minor version while the major one is the same. Fields and methods that one side does
not know are no error by themselves; what is checked is what would go wrong without a word.
"""

from __future__ import annotations

import re

from headrace import errors

MAX_SKEW = 2
"""How many minor releases client and server may be apart."""

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


class VersionSkew(errors.FailedPrecondition):
    """Client and server are too far apart to work together."""

    default_reason = "VERSION_SKEW"


def check_versions(client: str, server: str, minimum_client: str, api_url: str) -> None:
    """Check that a client may talk to a server.

    Args:
        client: This client's version.
        server: The server's version; empty or unreadable ones pass, as development builds have them.
        minimum_client: The oldest client that the server serves; empty for any.
        api_url: The server's address, for the message.

    Raises:
        VersionSkew: They are too far apart; the message says which side to change and how.
    """
    ours, theirs, least = _parse(client), _parse(server), _parse(minimum_client)
    if ours is None:
        return
    if least is not None and ours < least:
        raise VersionSkew(
            f"the server at {api_url} (version {server}) serves clients from version {minimum_client} on, and this "
            f"one is {client}. Upgrade it with: pip install --upgrade 'headrace=={server}'"
        )
    if theirs is None:
        return
    if ours[0] != theirs[0] or abs(ours[1] - theirs[1]) > MAX_SKEW:
        older = "server" if theirs < ours else "client"
        way_out = (
            f"upgrade the server to {client}, or install the matching client with: pip install 'headrace=={server}'"
            if older == "server"
            else f"upgrade the client with: pip install --upgrade 'headrace=={server}'"
        )
        raise VersionSkew(
            f"this client is version {client} and the server at {api_url} is version {server}: the {older} is more "
            f"than {MAX_SKEW} releases older; {way_out}"
        )


def _parse(version: str) -> tuple[int, int, int] | None:
    found = _VERSION.match(version.strip())
    if found is None:
        return None
    return int(found[1]), int(found[2]), int(found[3] or 0)
