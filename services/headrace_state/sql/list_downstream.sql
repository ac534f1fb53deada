-- Lists the dependencies one step downstream of the assets $2.
select asset_dependency.asset_id,
       asset_dependency.upstream_asset_id,
       asset_dependency.last_at
  from asset_dependency
 where asset_dependency.workspace_id = $1
   and asset_dependency.upstream_asset_id = any ($2::uuid[])
 order by asset_dependency.asset_id, asset_dependency.upstream_asset_id
 limit $3
