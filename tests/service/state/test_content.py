"""Artifacts and variables."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.struct_pb2 import Struct, Value

from headrace.api.v1 import artifact_pb2, artifact_pb2_grpc, variable_pb2, variable_pb2_grpc
from headrace_harness.services import RunningService
from headrace_harness.state import new_id


def a_table() -> artifact_pb2.TableContent:
    """Return a table."""
    table = artifact_pb2.TableContent(columns=["n", "name"])
    table.rows.add().extend([1, "one"])
    table.rows.add().extend([2, None])
    return table


def a_struct(**values: Any) -> Struct:
    """Return a Struct."""
    struct = Struct()
    struct.update(values)
    return struct


@pytest.fixture
def artifacts(service: RunningService) -> Any:
    """A client of the artifact service."""
    return artifact_pb2_grpc.ArtifactServiceStub(service.channel)


@pytest.fixture
def variables(service: RunningService) -> Any:
    """A client of the variable service."""
    return variable_pb2_grpc.VariableServiceStub(service.channel)


CONTENTS: list[dict[str, Any]] = [
    {"markdown": "# hi"},
    {"table": a_table()},
    {"link": artifact_pb2.LinkContent(url="https://example.org", text="x")},
    {"progress": 12.5},
    {"image": artifact_pb2.ImageContent(data=b"\x89PNG\x00", media_type="image/png")},
    {"image": artifact_pb2.ImageContent(url="https://example.org/x.png")},
    {"kind": artifact_pb2.ARTIFACT_KIND_RESULT, "value": Value(struct_value=a_struct(a=[1, {"b": None}]))},
    {"type": "chart", "value": Value(number_value=1)},
]


async def test_artifacts_of_every_kind_survive(artifacts: Any) -> None:
    for content in CONTENTS:
        given = artifact_pb2.Artifact(
            artifact_id=new_id(), description="d", metadata=a_struct(m=1), flow_run_id=new_id(), task_run_id=new_id(),
            **content,
        )  # fmt: skip
        made = (await artifacts.CreateArtifact(artifact_pb2.CreateArtifactRequest(artifact=given))).artifact
        for field, value in given.ListFields():
            assert getattr(made, field.name) == value, field.name
        assert made.kind
        again = (await artifacts.CreateArtifact(artifact_pb2.CreateArtifactRequest(artifact=given))).artifact
        assert again == made
        got = await artifacts.GetArtifact(artifact_pb2.GetArtifactRequest(artifact_id=made.artifact_id))
        assert got.artifact == made


async def test_artifacts_of_a_key_are_versions(artifacts: Any) -> None:
    async def make(text: str) -> str:
        given = artifact_pb2.Artifact(key="report", markdown=text)
        made = await artifacts.CreateArtifact(artifact_pb2.CreateArtifactRequest(artifact=given))
        assert made.artifact.latest
        return str(made.artifact.artifact_id)

    async def texts(**chosen: Any) -> list[str]:
        request = artifact_pb2.ListArtifactsRequest(filter=artifact_pb2.ArtifactFilter(**chosen))
        return [artifact.markdown for artifact in (await artifacts.ListArtifacts(request)).artifacts]

    await make("one")
    await make("two")
    last = await make("three")
    assert await texts(keys=["report"]) == ["three", "two", "one"]
    assert await texts(latest_only=True) == ["three"]
    assert await texts(key_contains="EPO", kinds=[artifact_pb2.ARTIFACT_KIND_MARKDOWN]) == ["three", "two", "one"]
    assert await texts(kinds=[artifact_pb2.ARTIFACT_KIND_TABLE]) == []
    assert await texts(artifact_ids=[last]) == ["three"]
    assert await texts(flow_run_ids=[new_id()]) == []
    assert await texts(task_run_ids=[new_id()]) == []
    await artifacts.DeleteArtifact(artifact_pb2.DeleteArtifactRequest(artifact_id=last))
    assert await texts(latest_only=True) == ["two"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await artifacts.DeleteArtifact(artifact_pb2.DeleteArtifactRequest(artifact_id=last))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    first = await artifacts.ListArtifacts(artifact_pb2.ListArtifactsRequest(page_size=1))
    rest = await artifacts.ListArtifacts(
        artifact_pb2.ListArtifactsRequest(page_size=1, page_token=first.next_page_token)
    )
    assert [first.artifacts[0].markdown, rest.artifacts[0].markdown] == ["two", "one"]
    assert not rest.next_page_token


async def test_an_artifact_is_changed_field_by_field(artifacts: Any) -> None:
    given = artifact_pb2.Artifact(progress=1, description="d", metadata=a_struct(a=1))
    made = (await artifacts.CreateArtifact(artifact_pb2.CreateArtifactRequest(artifact=given))).artifact
    change = artifact_pb2.Artifact(artifact_id=made.artifact_id, progress=50)
    changed = (await artifacts.UpdateArtifact(artifact_pb2.UpdateArtifactRequest(artifact=change))).artifact
    assert (changed.progress, changed.description, changed.metadata) == (50, "d", given.metadata)
    change = artifact_pb2.Artifact(artifact_id=made.artifact_id)
    request = artifact_pb2.UpdateArtifactRequest(artifact=change)
    request.update_mask.paths.append("description")
    changed = (await artifacts.UpdateArtifact(request)).artifact
    assert (changed.progress, changed.description) == (50, "")
    for wrong in (
        artifact_pb2.Artifact(artifact_id=made.artifact_id, markdown="not a number"),
        artifact_pb2.Artifact(artifact_id=made.artifact_id, progress=101),
        artifact_pb2.Artifact(artifact_id=made.artifact_id, key="other"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await artifacts.UpdateArtifact(artifact_pb2.UpdateArtifactRequest(artifact=wrong))
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "value",
    [
        Value(string_value="x"),
        Value(number_value=1.5),
        Value(bool_value=False),
        Value(null_value=0),  # type: ignore[arg-type]
        Value(struct_value=a_struct(a={"b": [1, None, "x"]})),
    ],
)
async def test_a_variable_holds_any_json_value(variables: Any, value: Value) -> None:
    request = variable_pb2.SetVariableRequest(name="v", value=value, tags=["t", "t"])
    made = (await variables.SetVariable(request)).variable
    assert made.value == value
    assert made.tags == ["t"]
    got = await variables.GetVariable(variable_pb2.GetVariableRequest(name="v"))
    assert got.variable == made


async def test_a_variable_is_replaced_only_where_that_is_meant(variables: Any) -> None:
    request = variable_pb2.SetVariableRequest(name="v", value=Value(number_value=1))
    first = (await variables.SetVariable(request)).variable
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await variables.SetVariable(request)
    assert caught.value.code() == grpc.StatusCode.ALREADY_EXISTS
    request.value.number_value = 2
    request.overwrite = True
    second = (await variables.SetVariable(request)).variable
    assert second.variable_id == first.variable_id
    assert second.value.number_value == 2
    await variables.DeleteVariable(variable_pb2.DeleteVariableRequest(name="v"))
    for gone in (
        variables.GetVariable(variable_pb2.GetVariableRequest(name="v")),
        variables.DeleteVariable(variable_pb2.DeleteVariableRequest(name="v")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gone
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_variables_are_listed_by_name(variables: Any) -> None:
    for name, tags in (("b_1", ["x"]), ("a-1", ["x", "y"]), ("c", [])):
        await variables.SetVariable(variable_pb2.SetVariableRequest(name=name, value=Value(bool_value=True), tags=tags))

    async def names(**fields: Any) -> list[str]:
        response = await variables.ListVariables(variable_pb2.ListVariablesRequest(**fields))
        return [variable.name for variable in response.variables]

    assert await names() == ["a-1", "b_1", "c"]
    assert await names(tags_all=["x"]) == ["a-1", "b_1"]
    assert await names(tags_all=["x", "y"]) == ["a-1"]
    assert await names(tags_any=["y", "z"]) == ["a-1"]
    assert await names(names=["c", "a-1", "none"]) == ["a-1", "c"]
    assert await names(name_contains="B_") == ["b_1"]
    first = await variables.ListVariables(variable_pb2.ListVariablesRequest(page_size=2))
    assert await names(page_size=2, page_token=first.next_page_token) == ["c"]


async def test_a_variable_can_be_renamed(variables: Any) -> None:
    made = {}
    for name in ("old", "other"):
        request = variable_pb2.SetVariableRequest(name=name, value=Value(number_value=1))
        made[name] = (await variables.SetVariable(request)).variable
    request = variable_pb2.SetVariableRequest(
        variable_id=made["old"].variable_id, name="new", value=Value(number_value=2), tags=["t"]
    )
    renamed = (await variables.SetVariable(request)).variable
    assert (renamed.variable_id, renamed.name, renamed.value.number_value) == (made["old"].variable_id, "new", 2)
    asked = variable_pb2.ListVariablesRequest(variable_ids=[renamed.variable_id])
    assert list((await variables.ListVariables(asked)).variables) == [renamed]
    request.name = "other"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await variables.SetVariable(request)
    assert caught.value.code() == grpc.StatusCode.ALREADY_EXISTS
    request.variable_id = str(uuid.uuid4())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await variables.SetVariable(request)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_variable_has_a_largest_size(variables: Any) -> None:
    request = variable_pb2.SetVariableRequest(name="v", value=Value(string_value="x" * (256 * 1024 - 2)))
    await variables.SetVariable(request)
    request = variable_pb2.SetVariableRequest(name="w", value=Value(string_value="x" * (256 * 1024 - 1)))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await variables.SetVariable(request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("name", ["", "Upper", "a b", "-a", "a" * 256])
async def test_a_name_that_is_none_is_refused(variables: Any, name: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await variables.SetVariable(variable_pb2.SetVariableRequest(name=name, value=Value(number_value=1)))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_text_with_nul_is_refused(variables: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await variables.SetVariable(variable_pb2.SetVariableRequest(name="v", value=Value(string_value="a\x00b")))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
