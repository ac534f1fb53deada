"""What answers below `/scim/v2/`."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc.aio
import orjson

from headrace import errors
from headrace.rpc.status import from_rpc_error
from headrace_gateway import failures
from headrace_gateway.backends import Backends, Metadata
from headrace_gateway.contract import Contract
from headrace_gateway.http import NO_STORE, ClientGone, Receive, Scope, Send, TooLarge, read_body, respond
from headrace_gateway.metadata import metadata_of
from headrace_gateway.scim import bulk, discovery, resources
from headrace_gateway.scim.filters import read_filter, short, values_at
from headrace_gateway.scim.kinds import Groups, Users
from headrace_gateway.scim.patching import patched

PREFIX = resources.PREFIX
MAX_BODY_BYTES = resources.MAX_BODY_BYTES
DEFAULT_COUNT, MOST_COUNT = 100, 200
_JSON = (b"content-type", b"application/scim+json")
_HEADERS = [_JSON, NO_STORE, (b"x-content-type-options", b"nosniff")]
_TYPES = {409: "uniqueness", 400: "invalidValue"}
_OTHER_VERSION = "SCIM_VERSION"
_OTHER_VERSIONS = (_OTHER_VERSION, "CHANGED_MEANWHILE")
_MOST_TRIES = 10


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    verb: str
    kind: str
    identifier: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    metadata: Metadata
    if_match: str = ""
    """The versions that the resource may have; empty is any."""
    if_none_match: str = ""
    """The versions that need not be sent again."""


class Scim:
    """Answers requests of directories that keep users and groups.

    Args:
        contract: The public methods.
        backends: Calls them.
        internal_token: Proves to services that the gateway tells where a request came from.
    """

    def __init__(self, contract: Contract, backends: Backends, internal_token: str | None) -> None:
        self._methods = {method.name: method for method in contract.methods}
        self._backends = backends
        self._internal_token = internal_token
        self._kinds: dict[str, Users | Groups] = {"Users": Users(self.call), "Groups": Groups(self.call)}

    async def call(self, name: str, request: Any, metadata: Metadata) -> Any:
        """Return what a method answers.

        Raises:
            errors.HeadraceError: The service refused, or does not answer.
        """
        try:
            return await self._backends.call(self._methods[name], request, metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: list[tuple[bytes, bytes]] = []
        try:
            request = await self._read(scope, receive)
            status, answer = await self._answer(request)
            version = answer["meta"].get("version", "") if status < 300 and answer and "meta" in answer else ""
            if version:
                headers.append((b"etag", version.encode()))
                if request.verb == "GET" and _names(request.if_none_match, version):
                    status, answer = 304, None
        except ClientGone:
            return
        except errors.HeadraceError as error:
            status, answer, more = refused(error)
            headers.extend(more)
        body = orjson.dumps(answer) if answer is not None else b""
        await respond(send, status, body, [*_HEADERS, *headers])

    async def _read(self, scope: Scope, receive: Receive) -> _Request:
        metadata = metadata_of(scope, None, self._internal_token)
        kind, _, identifier = scope["path"].removeprefix(PREFIX).strip("/").partition("/")
        pairs = urllib.parse.parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=50)
        raw = await read_body(scope, receive, MAX_BODY_BYTES)
        try:
            body = orjson.loads(raw) if raw else {}
        except orjson.JSONDecodeError:
            raise errors.InvalidArgument("the body is not JSON", reason="BODY_NOT_JSON") from None
        if not isinstance(body, dict):
            raise errors.InvalidArgument("the body has to be an object", reason="BODY_NOT_JSON")
        given = {name: value.decode("latin-1") for name, value in scope["headers"]}
        return _Request(
            scope["method"],
            kind,
            identifier,
            dict(pairs),
            body,
            metadata,
            given.get(b"if-match", ""),
            given.get(b"if-none-match", ""),
        )

    async def _answer(self, request: _Request) -> tuple[int, Any]:
        found = discovery.document(request.kind, request.identifier) if request.verb == "GET" else None
        if found is not None:
            return 200, found
        if request.kind == "Bulk" and request.verb == "POST" and not request.identifier:
            return 200, await bulk.carry_out(request.body, lambda each: self._part(each, request.metadata))
        kind = self._kinds.get(request.kind)
        if kind is None:
            raise errors.NotFound(f"there is nothing at {PREFIX}{request.kind}"[:200])
        shown = _Shown.of(request.query)
        if request.verb == "GET" and not request.identifier:
            return 200, await self._list(kind, request, shown)
        status, answer = await self._one(kind, request, shown)
        return status, shown.of_resource(answer) if answer is not None else None

    async def _one(self, kind: Users | Groups, request: _Request, shown: _Shown) -> tuple[int, Any]:
        identifier, metadata = request.identifier, request.metadata
        match request.verb, bool(identifier):
            case "POST", False:
                return 201, await kind.create(request.body, metadata)
            case "GET", True:
                return 200, await kind.load(identifier, metadata, with_members=shown.has("members"))
            case "PUT", True:
                return 200, await self._change(kind, request, lambda _: request.body)
            case "PATCH", True:
                return 200, await self._change(
                    kind, request, lambda before: resources.renamed(before, patched(before, request.body))
                )
            case "DELETE", True:
                await kind.delete(identifier, await self._as_wanted(kind, request), metadata)
                return 204, None
        raise errors.NotFound(f"{request.verb} is not for {PREFIX}{request.kind}"[:200])

    async def _change(
        self, kind: Users | Groups, request: _Request, make: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Change a resource on top of what it is. Where others change it meanwhile it is done again on top of that,
        unless the request says which version it is about."""
        for tries_left in reversed(range(_MOST_TRIES)):
            before = await self._as_wanted(kind, request) or await kind.load(request.identifier, request.metadata)
            try:
                return await kind.replace(before, make(before), request.metadata)
            except errors.Aborted:
                if request.if_match or not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _as_wanted(self, kind: Users | Groups, request: _Request) -> dict[str, Any] | None:
        """Return the resource if it has a version that the request names, None if it names none."""
        if not request.if_match:
            return None
        before = await kind.load(request.identifier, request.metadata)
        if not _names(request.if_match, before["meta"]["version"]):
            raise errors.FailedPrecondition("the resource has changed meanwhile", reason=_OTHER_VERSION)
        return before

    async def _part(self, operation: bulk.Operation, metadata: Metadata) -> tuple[int, Any]:
        """Carry out one operation of many."""
        kind, _, identifier = operation.path.strip("/").partition("/")
        request = _Request(operation.verb, kind, identifier, {}, operation.data, metadata, operation.version)
        try:
            if kind not in self._kinds:
                raise errors.NotFound(f"there is nothing at {operation.path}"[:200])
            return await self._one(self._kinds[kind], request, _Shown.of({}))
        except errors.HeadraceError as error:
            status, answer, _ = refused(error)
            return status, answer

    async def _list(self, kind: Users | Groups, request: _Request, shown: _Shown) -> dict[str, Any]:
        start = max(1, _number(request.query, "startIndex", 1))
        count = min(MOST_COUNT, max(0, _number(request.query, "count", DEFAULT_COUNT)))
        text = request.query.get("filter", "")
        with_members = shown.has("members") or "members" in text.lower()
        found = await kind.list_all(text, request.metadata, with_members=with_members)
        if text:
            fits = read_filter(text)
            found = [resource for resource in found if fits(resource)]
        by = request.query.get("sortBy", "")
        if by:
            falls = request.query.get("sortOrder", "").lower() == "descending"
            found.sort(key=lambda resource: _place(resource, by, falls), reverse=falls)
        page = found[start - 1 : start - 1 + count]
        return {
            "schemas": [f"{resources.MESSAGES}ListResponse"],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(page),
            "Resources": [shown.of_resource(resource) for resource in page],
        }


@dataclasses.dataclass(frozen=True, slots=True)
class _Shown:
    """Which attributes of resources are asked for; `schemas` and `id` are there in any case."""

    only: frozenset[str]
    without: frozenset[str]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> _Shown:
        return cls(_attributes(query, "attributes"), _attributes(query, "excludedAttributes") - {"schemas", "id"})

    def has(self, name: str) -> bool:
        return name not in self.without and (not self.only or name in self.only)

    def of_resource(self, resource: dict[str, Any]) -> dict[str, Any]:
        if not self.only and not self.without:
            return resource
        always = ("schemas", "id")
        return {name: value for name, value in resource.items() if name in always or self.has(name.lower())}


def refused(error: errors.HeadraceError) -> tuple[int, dict[str, Any], Sequence[tuple[bytes, bytes]]]:
    """Return status, answer and headers of a request that went wrong."""
    failure = failures.of_error(error, 413 if isinstance(error, TooLarge) else None)
    status = 412 if error.reason in _OTHER_VERSIONS else failure.http_status
    answer = {"schemas": [f"{resources.MESSAGES}Error"], "status": str(status), "detail": error.message}
    if status in _TYPES:
        answer["scimType"] = "invalidFilter" if error.reason == "SCIM_FILTER" else _TYPES[status]
    return status, answer, failure.headers


def _attributes(query: Mapping[str, str], name: str) -> frozenset[str]:
    """Return the outermost names of the attributes that a query lists, in small letters."""
    paths = (short(path.strip()) for path in query.get(name, "").split(","))
    return frozenset(path.partition(".")[0].lower() for path in paths if path)


def _names(versions: str, version: str) -> bool:
    """Return whether a header with versions names one, weak or not."""
    named = {each.strip().removeprefix("W/") for each in versions.split(",")}
    return "*" in named or version.removeprefix("W/") in named


def _place(resource: Mapping[str, Any], path: str, falls: bool) -> tuple[bool, str]:
    """Return where a resource comes in an order; those without a value come last in any."""
    value = next((value for value in values_at(resource, path) if value is not None), None)
    return (value is None) != falls, str(value).lower()


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(query.get(name, default))
    except ValueError:
        raise errors.InvalidArgument.of_field(name, "must be a number") from None
