-- Loads materializations by their ids.
select asset_materialization.materialization_id,
       asset_materialization.asset_id,
       asset_materialization.asset_key,
       asset_materialization.flow_run_id,
       asset_materialization.task_run_id,
       asset_materialization.succeeded,
       asset_materialization.materialized_by,
       asset_materialization.metadata,
       asset_materialization.message,
       asset_materialization.created_at
  from asset_materialization
 where asset_materialization.workspace_id = $1
   and asset_materialization.materialization_id = any ($2::uuid[])
