"""`/acknowledge/<token>`: the page behind the link in a message.

Programs that look at mail open links: to look at the page changes nothing, only its button does. It needs no script,
no sign-in and no other file, so that it works wherever the message is read.
"""

from __future__ import annotations

import datetime
import html
import http

import grpc.aio

from headrace import errors
from headrace.api.v1 import delivery_pb2
from headrace_gateway import failures
from headrace_gateway.backends import Backends
from headrace_gateway.contract import Contract
from headrace_gateway.http import NO_STORE, ClientGone, Headers, Receive, Scope, Send, read_body, respond

PREFIX = "/acknowledge/"
LONGEST_TOKEN = 200
_LARGEST_FORM = 4096

_HEADERS: Headers = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    # The address is all that it takes to acknowledge: no other site is told. Without a referrer for this one browsers
    # would not say either which page the press of the button comes from.
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"x-robots-tag", b"noindex"),
    NO_STORE,
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Acknowledge - Headrace</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 4rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.25rem; overflow-wrap: anywhere; }}
button {{ font: inherit; padding: .6rem 1.2rem; }}
</style>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
"""


class AcknowledgePage:
    """Shows what a link acknowledges, and takes the press of its button.

    Args:
        contract: The public methods.
        backends: Calls services.
    """

    def __init__(self, contract: Contract, backends: Backends) -> None:
        methods = {method.name: method for method in contract.methods}
        self._look = methods["GetAcknowledgement"]
        self._acknowledge = methods["AcknowledgeByLink"]
        self._backends = backends

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        token = scope["path"].removeprefix(PREFIX)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            await self._show(send, 405, "<h1>This page can be read, and its button be pressed.</h1>")
            return
        if not token or "/" in token or len(token) > LONGEST_TOKEN or not token.isascii():
            await self._show(send, 404, _UNKNOWN)
            return
        try:
            if scope["method"] == "POST":
                await read_body(scope, receive, _LARGEST_FORM)
                request = delivery_pb2.AcknowledgeByLinkRequest(token=token)
                found = (await self._backends.call(self._acknowledge, request, ())).acknowledgement
            else:
                asked = delivery_pb2.GetAcknowledgementRequest(token=token)
                found = (await self._backends.call(self._look, asked, ())).acknowledgement
        except ClientGone:
            return
        except errors.HeadraceError as error:
            await self._show(send, failures.of_error(error).http_status, f"<h1>{html.escape(str(error))}</h1>")
        except grpc.aio.AioRpcError as error:
            status = failures.of_call(error).http_status
            content = _UNKNOWN if status == http.HTTPStatus.NOT_FOUND else _TROUBLE
            await self._show(send, status, content)
        else:
            await self._show(send, 200, _content(found))

    async def _show(self, send: Send, status: int, content: str) -> None:
        await respond(send, status, _PAGE.format(content=content).encode(), _HEADERS)


_UNKNOWN = "<h1>There is nothing to acknowledge by this link.</h1><p>It may be too old, or not be whole.</p>"
_TROUBLE = "<h1>The server cannot be asked now.</h1><p>Try again in a minute.</p>"


def _content(found: delivery_pb2.Acknowledgement) -> str:
    title = f"<h1>{html.escape(found.subject)}</h1><p>Sent {_moment(found.created_at.ToDatetime(datetime.UTC))}.</p>"
    if found.HasField("acknowledged_at"):
        by = "" if found.acknowledged_by in ("", "link") else f" by {html.escape(found.acknowledged_by)}"
        moment = _moment(found.acknowledged_at.ToDatetime(datetime.UTC))
        return f"{title}<p><strong>Acknowledged{by}, {moment}.</strong></p>"
    # Without an action the form goes to the address of the page.
    return f'{title}<form method="post"><button type="submit">Acknowledge</button></form>'


def _moment(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
