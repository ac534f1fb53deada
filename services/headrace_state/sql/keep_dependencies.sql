-- Stores that assets $2 were made from assets $3 now.
insert into asset_dependency as stored (workspace_id, asset_id, upstream_asset_id)
select $1,
       new.asset_id,
       new.upstream_asset_id
  from unnest($2::uuid[], $3::uuid[]) as new (asset_id, upstream_asset_id)
    on conflict (asset_id, upstream_asset_id) do update
   set last_at = now()
