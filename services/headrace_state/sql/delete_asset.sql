-- Deletes an asset with its materializations and its place in the lineage of others.
with gone as (
    delete from asset
     where asset.workspace_id = $1
       and asset.asset_id = $2
    returning asset.asset_id
),
made as (
    delete from asset_materialization
     using gone
     where asset_materialization.asset_id = gone.asset_id
),
edges as (
    delete from asset_dependency
     using gone
     where asset_dependency.asset_id = gone.asset_id
        or asset_dependency.upstream_asset_id = gone.asset_id
)
select gone.asset_id
  from gone
