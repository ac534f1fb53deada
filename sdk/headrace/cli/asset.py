"""`headrace asset ...`."""

from __future__ import annotations

import click
from rich.tree import Tree

from headrace import errors
from headrace.api.v1 import asset_pb2
from headrace.cli import lookup, output


@click.group("asset")
def command() -> None:
    """See what runs made for others to use. ASSET is a key such as s3://lake/orders, or an id."""


@command.command("ls")
@click.option("--prefix", metavar="TEXT", help="Only assets whose keys begin with this.")
@click.option("--text", metavar="TEXT", help="Only assets with this in their key, name or description.")
@click.option("--owner", "owners", multiple=True, help="Only assets that this one looks after; may be repeated.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_assets(prefix: str | None, text: str | None, owners: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List assets, by their keys."""
    stub = lookup.client().assets
    chosen = asset_pb2.AssetFilter(key_prefix=prefix or "", text=text or "", owners=owners)

    def page(token: str, size: int) -> asset_pb2.ListAssetsResponse:
        return stub.ListAssets(asset_pb2.ListAssetsRequest(filter=chosen, page_size=size, page_token=token))

    found = list(lookup.pages(page, "assets", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Assets",
        [("KEY", {"ratio": 2}), ("NAME", {"ratio": 1}), "LAST MADE", ("BY", {"ratio": 1})],
        [
            [
                asset.key,
                asset.name,
                output.ago(asset.last_materialization.created_at),
                asset.last_materialization.materialized_by,
            ]
            for asset in found
        ],
    )


@command.command("inspect")
@click.argument("asset")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 200), help="Materializations at most.")
@output.output_option
def inspect_asset(asset: str, limit: int, as_json: bool) -> None:
    """Show one asset, and when it was last made."""
    found = _find(asset)
    request = asset_pb2.ListMaterializationsRequest(asset_ids=[found.asset_id], page_size=limit)
    made = lookup.client().assets.ListMaterializations(request).materializations
    if as_json:
        output.print_json({"asset": found, "materializations": list(made)})
        return
    output.print_fields(
        f"Asset {found.key}",
        [
            ("id", found.asset_id),
            ("name", found.name),
            ("description", found.description),
            ("url", found.url),
            ("owners", ", ".join(found.owners)),
            ("first heard of", output.moment(found.created_at)),
            ("last made", output.moment(found.last_materialization.created_at)),
            ("metadata", output.to_plain(found.last_materialization).get("metadata")),
        ],
    )
    output.print_table(
        "Materializations",
        ["WHEN", "MADE", ("BY", {"ratio": 1}), ("WHY NOT", {"ratio": 2}), "FLOW RUN"],
        [
            [
                output.ago(each.created_at),
                "yes" if each.succeeded else "no",
                each.materialized_by,
                each.message,
                each.flow_run_id,
            ]
            for each in made
        ],
    )


@command.command("lineage")
@click.argument("asset")
@click.option("--depth", default=10, show_default=True, type=click.IntRange(1, 50), help="Steps at most.")
@output.output_option
def show_lineage(asset: str, depth: int, as_json: bool) -> None:
    """Show what an asset is made from, and what is made from it."""
    found = _find(asset)
    lineage = lookup.client().assets.GetAssetLineage(
        asset_pb2.GetAssetLineageRequest(asset_id=found.asset_id, max_depth=depth)
    )
    if as_json:
        output.print_json(lineage)
        return
    keys = {each.asset_id: each.key for each in lineage.assets}
    up: dict[str, list[str]] = {}
    down: dict[str, list[str]] = {}
    for edge in lineage.dependencies:
        up.setdefault(edge.asset_id, []).append(edge.upstream_asset_id)
        down.setdefault(edge.upstream_asset_id, []).append(edge.asset_id)
    for title, edges in (("is made from", up), ("is used for", down)):
        tree = Tree(f"{found.key} {title}" if found.asset_id in edges else f"{found.key} {title} nothing")
        _grow(tree, found.asset_id, edges, keys, {found.asset_id})
        output.console.print(tree)
    if lineage.truncated:
        output.note("There is more than is shown.")


def _grow(tree: Tree, asset_id: str, edges: dict[str, list[str]], keys: dict[str, str], shown: set[str]) -> None:
    for other in sorted(edges.get(asset_id, ()), key=lambda each: keys.get(each, "")):
        branch = tree.add(keys.get(other, other) + (" …" if other in shown else ""))
        if other not in shown:
            shown.add(other)
            _grow(branch, other, edges, keys, shown)


@command.command("delete")
@click.argument("asset")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_asset(asset: str, yes: bool) -> None:
    """Forget an asset, when it was made and from what."""
    found = _find(asset)
    if not yes:
        click.confirm(f"Forget the asset '{found.key}'?", abort=True)
    lookup.client().assets.DeleteAsset(asset_pb2.DeleteAssetRequest(asset_id=found.asset_id))
    output.done(f"Asset '{found.key}' forgotten.")


def _find(name: str) -> asset_pb2.Asset:
    stub = lookup.client().assets
    if lookup.is_id(name):
        return stub.GetAsset(asset_pb2.GetAssetRequest(asset_id=name)).asset
    request = asset_pb2.ListAssetsRequest(filter=asset_pb2.AssetFilter(keys=[name]), page_size=1)
    for found in stub.ListAssets(request).assets:
        return found
    raise errors.NotFound(f"There is no asset '{name}'.")
