"""Assets: what runs make, when, and from what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest
from google.protobuf.struct_pb2 import Struct

from headrace.api.v1 import asset_pb2, asset_pb2_grpc, state_pb2, task_run_pb2
from headrace_harness.recording import a_frame, a_life, attempt_of, record
from headrace_harness.services import RunningService
from headrace_harness.state import StateClient, new_id, now

if TYPE_CHECKING:
    Assets = asset_pb2_grpc.AssetServiceAsyncStub


@pytest.fixture
def assets(service: RunningService) -> Assets:
    """The service of assets."""
    stub: Any = asset_pb2_grpc.AssetServiceStub(service.channel)
    return stub  # type: ignore[no-any-return]


def an_asset(key: str, **fields: Any) -> asset_pb2.Asset:
    """Return an asset at `s3://lake/<key>`."""
    return asset_pb2.Asset(key=f"s3://lake/{key}", **fields)


async def make(
    assets: Assets, *keys: str, of: tuple[str, ...] = (), succeeded: bool = True, **fields: Any
) -> list[asset_pb2.Materialization]:
    """Record that assets were made from others."""
    request = asset_pb2.RecordMaterializationsRequest(
        materializations=[asset_pb2.NewMaterialization(asset=an_asset(key)) for key in keys],
        upstream_assets=[an_asset(key) for key in of],
        succeeded=succeeded,
        **fields,
    )
    return list((await assets.RecordMaterializations(request)).materializations)


async def lineage(assets: Assets, asset_id: str, **fields: Any) -> tuple[set[str], set[tuple[str, str]], bool]:
    """Return the keys of a lineage, its dependencies by keys, and whether it was cut."""
    found = await assets.GetAssetLineage(asset_pb2.GetAssetLineageRequest(asset_id=asset_id, **fields))
    keys = {asset.asset_id: asset.key.removeprefix("s3://lake/") for asset in found.assets}
    pairs = {(keys[edge.asset_id], keys[edge.upstream_asset_id]) for edge in found.dependencies}
    return set(keys.values()), pairs, found.truncated


async def test_what_was_made_is_kept_with_what_is_known_of_it(assets: Assets) -> None:
    metadata = Struct()
    metadata.update({"rows": 12})
    request = asset_pb2.RecordMaterializationsRequest(
        flow_run_id=new_id(), task_run_id=new_id(), succeeded=True, materialized_by="dbt",
        materializations=[
            asset_pb2.NewMaterialization(
                asset=an_asset("orders", name="Orders", owners=["data"]), materialization_id=new_id(),
                metadata=metadata,
            )
        ],
    )  # fmt: skip
    [made] = (await assets.RecordMaterializations(request)).materializations
    [again] = (await assets.RecordMaterializations(request)).materializations
    assert again == made
    assert (made.asset_key, made.materialized_by, made.metadata) == ("s3://lake/orders", "dbt", metadata)
    await make(assets, "orders", succeeded=False, message="no disk")
    asset = (await assets.GetAsset(asset_pb2.GetAssetRequest(asset_id=made.asset_id))).asset
    assert (asset.name, list(asset.owners)) == ("Orders", ["data"])
    assert asset.last_materialization == made
    everything = asset_pb2.ListMaterializationsRequest(asset_ids=[made.asset_id])
    listed = (await assets.ListMaterializations(everything)).materializations
    assert [(each.succeeded, each.message) for each in listed] == [(False, "no disk"), (True, "")]
    for chosen, count in (({"succeeded": True}, 1), ({"task_run_ids": [request.task_run_id]}, 1),
                          ({"flow_run_ids": [new_id()]}, 0), ({}, 2)):  # fmt: skip
        response = await assets.ListMaterializations(asset_pb2.ListMaterializationsRequest(**chosen))
        assert len(response.materializations) == count


async def test_assets_are_found_by_every_field(assets: Assets) -> None:
    await make(assets, "a/orders", "a/people", of=("b/raw",))
    request = asset_pb2.RecordMaterializationsRequest(
        succeeded=True,
        materializations=[asset_pb2.NewMaterialization(asset=an_asset("c", name="Sea", owners=["x"]))],
    )
    [made] = (await assets.RecordMaterializations(request)).materializations
    later = now()
    later.seconds += 60
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["a/orders", "a/people", "b/raw", "c"]),
        ({"asset_ids": [made.asset_id]}, ["c"]),
        ({"keys": ["s3://lake/b/raw"]}, ["b/raw"]),
        ({"key_prefix": "s3://lake/a/"}, ["a/orders", "a/people"]),
        ({"text": "sEA"}, ["c"]),
        ({"owners": ["x", "y"]}, ["c"]),
        ({"materialized": state_pb2.TimeRange(until=later)}, ["a/orders", "a/people", "c"]),
    ]
    for chosen, keys in expected:
        found, token = [], ""
        while True:
            page = await assets.ListAssets(
                asset_pb2.ListAssetsRequest(filter=asset_pb2.AssetFilter(**chosen), page_size=2, page_token=token)
            )
            found += [asset.key.removeprefix("s3://lake/") for asset in page.assets]
            token = page.next_page_token
            if not token:
                break
        assert found == keys, chosen
    assert {field for chosen, _ in expected for field in chosen} == set(asset_pb2.AssetFilter.DESCRIPTOR.fields_by_name)


async def test_lineage_is_followed_both_ways_and_cut_by_depth(assets: Assets) -> None:
    await make(assets, "b", of=("a",))
    await make(assets, "c", of=("b", "x"))
    [d] = await make(assets, "d", of=("c",))
    await make(assets, "a", of=("d",))
    [c] = await make(assets, "c")
    every = {("b", "a"), ("c", "b"), ("c", "x"), ("d", "c"), ("a", "d")}
    assert await lineage(assets, c.asset_id) == ({"a", "b", "c", "d", "x"}, every, False)
    up = await lineage(assets, c.asset_id, direction=asset_pb2.LINEAGE_DIRECTION_UPSTREAM, max_depth=1)
    assert up == ({"b", "c", "x"}, {("c", "b"), ("c", "x")}, True)
    down = await lineage(assets, c.asset_id, direction=asset_pb2.LINEAGE_DIRECTION_DOWNSTREAM, max_depth=1)
    assert down == ({"c", "d"}, {("d", "c")}, True)
    await assets.DeleteAsset(asset_pb2.DeleteAssetRequest(asset_id=d.asset_id))
    assert await lineage(assets, c.asset_id) == ({"a", "b", "c", "x"}, {("b", "a"), ("c", "b"), ("c", "x")}, False)
    for gone in (
        assets.GetAsset(asset_pb2.GetAssetRequest(asset_id=d.asset_id)),
        assets.DeleteAsset(asset_pb2.DeleteAssetRequest(asset_id=d.asset_id)),
        assets.GetAssetLineage(asset_pb2.GetAssetLineageRequest(asset_id=d.asset_id)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gone
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_lineage_goes_through_task_runs_that_make_nothing(assets: Assets, state: StateClient) -> None:
    created = await state.running_run()
    extract, clean, other = new_id(), new_id(), new_id()
    await make(assets, "raw", task_run_id=extract)
    await make(assets, "aside", task_run_id=other)
    life = a_life(clean)
    life[0].spec.CopyFrom(
        task_run_pb2.TaskRunSpec(
            task_key="clean", dynamic_key="0",
            inputs=[
                task_run_pb2.TaskInput(parameter="x", kind=task_run_pb2.TASK_INPUT_KIND_TASK_RUN, source=extract),
                task_run_pb2.TaskInput(parameter="", kind=task_run_pb2.TASK_INPUT_KIND_WAIT_FOR, source=other),
            ],
        )
    )  # fmt: skip
    await record(state, a_frame([attempt_of(created)], life))
    [made] = await make(assets, "orders", task_run_id=new_id(), upstream_task_run_ids=[clean])
    keys, pairs, _ = await lineage(assets, made.asset_id)
    assert (keys, pairs) == ({"raw", "orders"}, {("orders", "raw")})


@pytest.mark.parametrize("key", ["", "orders", "s3:/x", "s3://with space", "://x"])
async def test_a_key_is_a_uri(assets: Assets, key: str) -> None:
    request = asset_pb2.RecordMaterializationsRequest(
        materializations=[asset_pb2.NewMaterialization(asset=asset_pb2.Asset(key=key))], succeeded=True
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await assets.RecordMaterializations(request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_lineage_reaches_what_tasks_say_to_take_from(assets: Assets, state: StateClient) -> None:
    created = await state.running_run()
    read, clean = new_id(), new_id()
    reading, cleaning = a_life(read), a_life(clean)
    reading[0].spec.CopyFrom(
        task_run_pb2.TaskRunSpec(
            task_key="read",
            dynamic_key="0",
            inputs=[task_run_pb2.TaskInput(kind=task_run_pb2.TASK_INPUT_KIND_ASSET, source="s3://shop/never-made")],
        )
    )
    result = task_run_pb2.TaskInput(parameter="x", kind=task_run_pb2.TASK_INPUT_KIND_TASK_RUN, source=read)
    cleaning[0].spec.CopyFrom(task_run_pb2.TaskRunSpec(task_key="clean", dynamic_key="0", inputs=[result]))
    await record(state, a_frame([attempt_of(created)], [*reading, *cleaning]))
    [made] = await make(assets, "orders", task_run_id=new_id(), upstream_task_run_ids=[clean])
    request = asset_pb2.GetAssetLineageRequest(asset_id=made.asset_id)
    found = (await assets.GetAssetLineage(request)).assets
    assert {one.key for one in found} == {made.asset_key, "s3://shop/never-made"}
