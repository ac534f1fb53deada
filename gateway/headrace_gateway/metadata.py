"""What goes with a call to a service: what the client said about itself, and where it comes from."""

from __future__ import annotations

from headrace import errors
from headrace_chassis import audit
from headrace_gateway.backends import PASSED_ON, Metadata
from headrace_gateway.http import Scope, header
from headrace_gateway.sessions import session_cookie


def metadata_of(
    scope: Scope, workspace: str | None, internal_token: str | None, *, authorization: str | None = None
) -> Metadata:
    """Return the metadata of the calls that a request makes.

    Args:
        scope: The request.
        workspace: The workspace that its address names, if any; it goes before the header.
        internal_token: Proves to services that the gateway tells where a request came from.
        authorization: Stands in the place of the request's own header.

    Raises:
        errors.InvalidArgument: A header has characters that gRPC does not carry.
    """
    passed = []
    client = scope.get("client")
    if client and internal_token:
        passed.append((audit.ADDRESS_KEY, str(client[0])))
        passed.append((audit.ADDRESS_PROOF_KEY, audit.address_proof(str(client[0]), internal_token)))
    if scope.get("method") not in ("GET", "HEAD") and (agent := header(scope, b"user-agent")):
        # What only reads is answered together for all who ask the same, whatever they ask with.
        passed.append((audit.AGENT_KEY, "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in agent[:200])))
    for name, value in scope["headers"]:
        key = PASSED_ON.get(name)
        if key is None or (workspace is not None and key == "headrace-workspace"):
            continue
        if key == "cookie":
            # Those of other programs on the same host are nobody's business here.
            value = session_cookie(scope, value)
            if not value:
                continue
        if authorization is None or key != "authorization":
            passed.append((key, _printable(key, value)))
    if authorization is not None:
        passed.append(("authorization", _printable("authorization", authorization.encode())))
    if workspace is not None:
        passed.append(("headrace-workspace", _printable("headrace-workspace", workspace.encode())))
    return tuple(passed)


def _printable(key: str, value: bytes) -> str:
    # gRPC carries no other characters in metadata.
    if not all(32 <= byte < 127 for byte in value):
        raise errors.InvalidArgument.of_field(key, "must be printable ASCII")
    return value.decode("ascii")
