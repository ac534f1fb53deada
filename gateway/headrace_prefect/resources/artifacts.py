"""`/artifacts`: what runs made for people to look at."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import artifact_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Invalid, made, no_content, not_found, ok
from headrace_prefect.bodies.fields import (
    Body,
    Field,
    Wrong,
    anything,
    at_least,
    boolean,
    identifier,
    identifiers,
    integer,
    json_object,
    nested,
    one_of,
    string,
    strings,
)
from headrace_prefect.filters import values
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import artifacts as shapes
from headrace_prefect.shapes import scalars

_LONGEST_METADATA = 500


def _metadata(value: Any) -> dict[str, str]:
    metadata = json_object(value)
    for name, item in metadata.items():
        if not isinstance(item, str):
            raise Wrong("Input should be a valid string", "string_type", (name,))
    # Longer values are cut, not refused.
    return {name: item[:_LONGEST_METADATA] for name, item in metadata.items()}


def _key(value: Any) -> str:
    key = string(value)
    if not key or not all(letter in "abcdefghijklmnopqrstuvwxyz0123456789-" for letter in key):
        raise Wrong("key must only contain lowercase letters, numbers, and dashes.")
    return key


_CREATE = {
    "key": Field(_key),
    "type": Field(string, default=""),
    "description": Field(string, default=""),
    "data": Field(anything),
    "metadata_": Field(_metadata),
    "flow_run_id": Field(identifier, default=""),
    "task_run_id": Field(identifier, default=""),
}
_UPDATE = {"data": Field(anything), "description": Field(string, default=""), "metadata_": Field(_metadata)}
_IDS = nested({"any_": Field(identifiers)})
_CRITERIA = {
    "operator": Field(one_of(("and_", "or_")), default="and_"),
    "key": Field(nested({"any_": Field(strings), "like_": Field(string), "exists_": Field(boolean)})),
    "flow_run_id": Field(_IDS),
    "task_run_id": Field(_IDS),
    "type": Field(nested({"any_": Field(strings), "not_any_": Field(strings)})),
}
_FILTER = nested({**_CRITERIA, "id": Field(_IDS)})
_LATEST_FILTER = nested({**_CRITERIA, "latest_id": Field(_IDS)})
_OF_THING = nested({"id": Field(_IDS)})
_SORTS = {
    "CREATED_DESC": artifact_pb2.ARTIFACT_SORT_ID_DESC,
    "UPDATED_DESC": artifact_pb2.ARTIFACT_SORT_UPDATED_DESC,
    "ID_DESC": artifact_pb2.ARTIFACT_SORT_ID_DESC,
    "KEY_ASC": artifact_pb2.ARTIFACT_SORT_KEY_ASC,
    "KEY_DESC": artifact_pb2.ARTIFACT_SORT_KEY_DESC,
}
_THINGS = {
    "flow_runs": ("flow_run_ids", Field(_OF_THING)),
    "task_runs": ("task_run_ids", Field(_OF_THING)),
    "flows": ("flow_ids", Field(_OF_THING)),
    "deployments": ("deployment_ids", Field(_OF_THING)),
}


def _keys(value: Body, artifact: Any) -> Any:
    if value["any_"] is not None:
        yield artifact.key in value["any_"]
    if value["like_"]:
        yield values.like(artifact.key, value["like_"].strip("%"))
    if value["exists_"] is not None:
        yield bool(artifact.key) is value["exists_"]


_TESTS = {
    "id": values.any_of(lambda artifact: artifact.artifact_id),
    "latest_id": values.any_of(lambda artifact: artifact.artifact_id),
    "key": _keys,
    "flow_run_id": values.any_of(lambda artifact: artifact.flow_run_id),
    "task_run_id": values.any_of(lambda artifact: artifact.task_run_id),
    "type": values.any_of(shapes.type_of),
}


async def create_artifact(request: Request) -> Answer:
    """Create an artifact."""
    body = request.body(_CREATE)
    artifact = artifact_pb2.Artifact(
        key=body["key"] or "",
        description=body["description"],
        flow_run_id=body["flow_run_id"],
        task_run_id=body["task_run_id"],
        metadata=scalars.to_struct(body["metadata_"]),
    )
    shapes.fill(artifact, body["type"], body["data"])
    answer = await request.call(
        request.services.artifacts.CreateArtifact, artifact_pb2.CreateArtifactRequest(artifact=artifact)
    )
    return made(shapes.shape(answer.artifact))


async def read_artifact(request: Request) -> Answer:
    """Return an artifact."""
    return ok(shapes.shape(await _load(request)))


async def read_latest_artifact(request: Request) -> Answer:
    """Return the latest artifact with a key."""
    page = await request.call(
        request.services.artifacts.ListArtifacts,
        artifact_pb2.ListArtifactsRequest(
            filter=artifact_pb2.ArtifactFilter(keys=[request.path["key"]], latest_only=True), page_size=1
        ),
    )
    if not page.artifacts:
        raise not_found("Artifact")
    return ok(shapes.shape(page.artifacts[0]))


async def read_artifacts(request: Request) -> Answer:
    """Return some artifacts."""
    return ok([shapes.shape(artifact) for artifact in await _window(request, _FILTER, latest=False)])


async def read_latest_artifacts(request: Request) -> Answer:
    """Return the latest artifacts of some keys."""
    return ok([shapes.collection(artifact) for artifact in await _window(request, _LATEST_FILTER, latest=True)])


async def count_artifacts(request: Request) -> Answer:
    """Count some artifacts."""
    return await _count(request, _FILTER, latest=False)


async def count_latest_artifacts(request: Request) -> Answer:
    """Count some keys of artifacts."""
    return await _count(request, _LATEST_FILTER, latest=True)


async def update_artifact(request: Request) -> Answer:
    """Change an artifact."""
    body = request.body(_UPDATE)
    before = await _load(request)
    changed = artifact_pb2.Artifact(artifact_id=before.artifact_id, description=body["description"])
    message = artifact_pb2.UpdateArtifactRequest(artifact=changed)
    if "data" in body.given:
        if not shapes.put(changed, before.kind, body["data"]):
            raise Invalid.of("data", msg=f"Input is no data of an artifact of the type {shapes.type_of(before)}")
        message.update_mask.paths.append("content")
    if "description" in body.given:
        message.update_mask.paths.append("description")
    if "metadata_" in body.given:
        changed.metadata.CopyFrom(scalars.to_struct(body["metadata_"] or {}))
        message.update_mask.paths.append("metadata")
    if message.update_mask.paths:
        message.artifact.CopyFrom(changed)
        await request.call(request.services.artifacts.UpdateArtifact, message)
    return no_content()


async def delete_artifact(request: Request) -> Answer:
    """Delete an artifact."""
    await request.call(
        request.services.artifacts.DeleteArtifact, artifact_pb2.DeleteArtifactRequest(artifact_id=request.path["id"])
    )
    return no_content()


async def _load(request: Request) -> artifact_pb2.Artifact:
    answer = await request.call(
        request.services.artifacts.GetArtifact, artifact_pb2.GetArtifactRequest(artifact_id=request.path["id"])
    )
    return answer.artifact


def _asked(body: Body, *, latest: bool) -> tuple[artifact_pb2.ListArtifactsRequest, lists.Keep | None]:
    chosen = body["artifacts"]
    message = artifact_pb2.ListArtifactsRequest(sort=_SORTS[body.get("sort") or "ID_DESC"])
    wanted = message.filter
    wanted.latest_only = latest
    if latest:
        wanted.has_key = True
    # What the service can sort out need not travel; the test has the last word.
    if chosen is not None and chosen["operator"] == "and_":
        wanted.artifact_ids.extend((chosen.get("id") or chosen.get("latest_id") or {}).get("any_") or ())
        wanted.keys.extend((chosen["key"] or {}).get("any_") or ())
        wanted.flow_run_ids.extend((chosen["flow_run_id"] or {}).get("any_") or ())
        wanted.task_run_ids.extend((chosen["task_run_id"] or {}).get("any_") or ())
    for name, (field, _) in _THINGS.items():
        if body[name] is not None and body[name]["id"] is not None and not getattr(wanted, field):
            getattr(wanted, field).extend(body[name]["id"]["any_"] or ())
    return message, values.test(chosen, _TESTS)


async def _window(request: Request, criteria: Any, *, latest: bool) -> list[artifact_pb2.Artifact]:
    body = request.body(
        {
            "artifacts": Field(criteria),
            **{name: field for name, (_, field) in _THINGS.items()},
            "sort": Field(one_of(_SORTS), default="ID_DESC"),
            "limit": Field(integer),
            "offset": Field(at_least(0), default=0),
        }
    )
    limit = request.limit(body)
    message, keep = _asked(body, latest=latest)
    method = request.services.artifacts.ListArtifacts
    return await lists.window(request, method, message, "artifacts", offset=body["offset"], limit=limit, keep=keep)


async def _count(request: Request, criteria: Any, *, latest: bool) -> Answer:
    fields = {"artifacts": Field(criteria), **{name: field for name, (_, field) in _THINGS.items()}}
    message, keep = _asked(request.body(fields), latest=latest)
    method = request.services.artifacts.ListArtifacts
    return ok(len(await lists.every(request, method, message, "artifacts", keep=keep)))


ROUTES = (
    Route("POST", "/artifacts/", create_artifact),
    Route("POST", "/artifacts/filter", read_artifacts, only_asks=True),
    Route("POST", "/artifacts/latest/filter", read_latest_artifacts, only_asks=True),
    Route("POST", "/artifacts/count", count_artifacts, only_asks=True),
    Route("POST", "/artifacts/latest/count", count_latest_artifacts, only_asks=True),
    Route("GET", "/artifacts/{key}/latest", read_latest_artifact),
    Route("GET", "/artifacts/{id:uuid}", read_artifact),
    Route("PATCH", "/artifacts/{id:uuid}", update_artifact),
    Route("DELETE", "/artifacts/{id:uuid}", delete_artifact),
)
