-- Stores that an asset was made, and that this was the last time; one that is stored already is left alone.
with made as (
    insert into asset_materialization (
           workspace_id,
           materialization_id,
           asset_id,
           asset_key,
           flow_run_id,
           task_run_id,
           succeeded,
           materialized_by,
           metadata,
           message
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict do nothing
    returning asset_materialization.materialization_id,
              asset_materialization.asset_id,
              asset_materialization.created_at,
              asset_materialization.succeeded
)
update asset
   set last_materialization_id = made.materialization_id,
       last_materialized_at = made.created_at,
       updated_at = now()
  from made
 where asset.asset_id = made.asset_id
   and made.succeeded
