"""Finding a server: one GET of `/v1/system` at its HTTP address tells where gRPC is reached and what it can do.

Uses the standard library only, so that a command that needs nothing else loads nothing else.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

from headrace import __version__, errors
from headrace.client.trust import MACHINE, Trust, refused
from headrace.client.versions import check_versions
from headrace.rpc.loopback import is_loopback

PROBE_SECONDS = 2.0
"""How long a local server may take to say that it is there."""

_MAX_ANSWER_BYTES = 1024 * 1024


class NotAServer(errors.FailedPrecondition):
    """Something answers at the address, and it is not a Headrace server."""

    default_reason = "NOT_A_HEADRACE_SERVER"


@dataclasses.dataclass(frozen=True, slots=True)
class System:
    """A server, as it describes itself."""

    api_url: str
    """The HTTP address that it was asked at."""
    grpc_target: str
    """Where gRPC is reached, as `host:port`."""
    grpc_tls: bool = False
    version: str = ""
    capabilities: frozenset[str] = frozenset()
    authentication_required: bool = False
    installation_id: str = ""


def discover(api_url: str, *, timeout: float = 10.0, grpc_address: str | None = None, trust: Trust = MACHINE) -> System:
    """Ask a server about itself.

    Args:
        api_url: Its HTTP address, for example `http://127.0.0.1:4200`.
        timeout: Seconds to wait for the answer.
        grpc_address: Takes the place of the gRPC address that the server tells.
        trust: Whom to believe, where the address begins with `https`.

    Raises:
        errors.Unavailable: Nobody answers; the message says what to do.
        NotAServer: Somebody else answers.
        headrace.client.trust.ServerNotTrusted: The certificate is not to be believed.
        headrace.client.versions.VersionSkew: The server is too old or too new.
    """
    document = _fetch(api_url, timeout, trust)
    version = _text(document, "version")
    check_versions(__version__, version, _text(document, "minimum_client_version"), api_url)
    return System(
        api_url=api_url,
        grpc_target=grpc_address or _complete(_text(document, "grpc_address"), api_url),
        grpc_tls=bool(_field(document, "grpc_tls")),
        version=version,
        capabilities=frozenset(str(word) for word in _list(document, "capabilities")),
        authentication_required=bool(_field(document, "authentication_required")),
        installation_id=_text(document, "installation_id"),
    )


def _fetch(api_url: str, timeout: float, trust: Trust) -> dict[str, object]:
    request = urllib.request.Request(
        f"{api_url}/v1/system", headers={"Accept": "application/json", "User-Agent": f"headrace/{__version__}"}
    )
    with explained(api_url, timeout):
        try:
            with opener(api_url, trust).open(request, timeout=timeout) as answer:
                body = answer.read(_MAX_ANSWER_BYTES)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (502, 503, 504):
                raise _unreachable(api_url, f"it answers {error.code} {error.reason}") from None
            raise NotAServer(
                f"{api_url} answers {error.code} {error.reason} to GET /v1/system, so it is not a Headrace server "
                "(or a proxy hides it). Check HEADRACE_API_URL."
            ) from None
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not _text(document, "grpc_address"):
        raise NotAServer(f"what answers at {api_url} does not speak like a Headrace server. Check HEADRACE_API_URL.")
    return document


@contextlib.contextmanager
def explained(api_url: str, timeout: float) -> Iterator[None]:
    """Say of a server that is not reached in the block what that means, and what to do; its answers pass.

    Args:
        api_url: Its HTTP address.
        timeout: After how many seconds the block gives up.

    Raises:
        errors.Unavailable: Nobody answers.
        headrace.client.trust.ServerNotTrusted: The certificate is not to be believed.
    """
    # What the standard library raised is in the messages; its traceback would only bury them.
    try:
        yield
    except urllib.error.HTTPError:
        raise
    except TimeoutError:
        raise _unreachable(api_url, f"no answer within {timeout:g} s") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            raise refused(api_url, error.reason) from None
        raise _unreachable(api_url, str(error.reason)) from None
    except ssl.SSLError as error:
        # With TLS 1.3 a server that wants a certificate says so after the handshake.
        raise refused(api_url, error) from None
    except http.client.RemoteDisconnected as error:
        hint = "" if api_url.startswith("https:") else "; if it serves TLS, the address begins with https://"
        raise _unreachable(api_url, f"{error}{hint}") from None
    except http.client.BadStatusLine:
        # What it said may be anything.
        raise _unreachable(api_url, "what answers speaks no HTTP; that of gRPC is another port") from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(api_url, str(error) or type(error).__name__) from None


def opener(api_url: str, trust: Trust) -> urllib.request.OpenerDirector:
    """Return what opens addresses of a server.

    Args:
        api_url: Its HTTP address.
        trust: Whom to believe, where the address begins with `https`.
    """
    address = urllib.parse.urlsplit(api_url)
    handlers: list[urllib.request.BaseHandler] = []
    if is_loopback(address.hostname or ""):
        # A proxy of the environment cannot reach this machine's own loopback.
        handlers.append(urllib.request.ProxyHandler({}))
    if address.scheme == "https":
        handlers.append(urllib.request.HTTPSHandler(context=trust.context()))
    return urllib.request.build_opener(*handlers)


def _unreachable(api_url: str, cause: str) -> errors.Unavailable:
    return errors.Unavailable(
        f"no Headrace server can be reached at {api_url} ({cause}). Start one with `headrace server start`, or set "
        "HEADRACE_API_URL to the address of yours.",
        reason="SERVER_UNREACHABLE",
    )


def _complete(address: str, api_url: str) -> str:
    host, _, port = address.rpartition(":")
    if host:
        return address
    named = urllib.parse.urlsplit(api_url).hostname or "127.0.0.1"
    return f"[{named}]:{port}" if ":" in named else f"{named}:{port}"


def _field(document: dict[str, object], name: str) -> object:
    # JSON of protobuf names fields in camel case; a gateway may keep the names of the contract.
    if name in document:
        return document[name]
    first, *rest = name.split("_")
    return document.get(first + "".join(part.capitalize() for part in rest))


def _text(document: dict[str, object], name: str) -> str:
    value = _field(document, name)
    return value if isinstance(value, str) else ""


def _list(document: dict[str, object], name: str) -> list[object]:
    value = _field(document, name)
    return value if isinstance(value, list) else []
