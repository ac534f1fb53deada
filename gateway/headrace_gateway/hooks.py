"""`/hooks/<slug>`: calls of other systems to webhooks, whatever their bodies are."""

from __future__ import annotations

import urllib.parse

import grpc.aio
import orjson

from headrace import errors
from headrace.api.v1 import webhook_pb2
from headrace_gateway import failures
from headrace_gateway.backends import Backends
from headrace_gateway.contract import Contract
from headrace_gateway.http import JSON, NO_STORE, ClientGone, Receive, Scope, Send, TooLarge, read_body, respond

PREFIX = "/hooks/"
MAX_BODY_BYTES = 1_000_000
MAX_QUERY_PARAMETERS = 100
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_METHODS = frozenset({"POST", "PUT", "GET"})


class Hooks:
    """Passes calls on to the service that knows the webhooks.

    Args:
        contract: The public methods.
        backends: Calls services.
    """

    def __init__(self, contract: Contract, backends: Backends) -> None:
        [self._method] = (method for method in contract.methods if method.name == "ReceiveWebhook")
        self._backends = backends

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> failures.Failure | None:
        """Answer one request, or return why it is refused."""
        if scope["method"] not in _METHODS:
            return failures.of_error(errors.Unimplemented("use POST, PUT or GET", reason="METHOD_NOT_ALLOWED"), 405)
        try:
            request = await self._request(scope, receive)
            response = await self._backends.call(self._method, request, ())
        except ClientGone:
            return None
        except TooLarge as error:
            return failures.of_error(error, 413)
        except errors.HeadraceError as error:
            return failures.of_error(error)
        except grpc.aio.AioRpcError as error:
            failure = failures.of_call(error)
            is_large = any(b"REQUEST_TOO_LARGE" in detail.value for detail in failure.status.details)
            return failures.Failure(413, failure.status) if is_large else failure
        if response.answer_type:
            # What somebody sent is sent back: nothing shall take it for a page.
            headers = [(b"content-type", response.answer_type.encode("ascii")), NO_STORE, _NO_SNIFFING]
            await respond(send, 200, response.answer.encode(), headers)
            return None
        body = orjson.dumps({"event_id": response.event_id, "stored": response.stored})
        await respond(send, 200, body, [JSON, NO_STORE, _NO_SNIFFING])
        return None

    async def _request(self, scope: Scope, receive: Receive) -> webhook_pb2.ReceiveWebhookRequest:
        slug = scope["path"].removeprefix(PREFIX)
        if not slug or "/" in slug or len(slug) > 100:
            raise errors.NotFound("there is nothing at this address")
        body = await read_body(scope, receive, MAX_BODY_BYTES)
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            text = value.decode("latin-1")
            key = name.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        try:
            pairs = urllib.parse.parse_qsl(
                scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=MAX_QUERY_PARAMETERS
            )
        except ValueError as error:
            raise errors.InvalidArgument(f"the query is malformed: {error}", reason="ADDRESS_MALFORMED") from None
        return webhook_pb2.ReceiveWebhookRequest(
            slug=slug, method=scope["method"], headers=headers, query=dict(pairs), body=body
        )
