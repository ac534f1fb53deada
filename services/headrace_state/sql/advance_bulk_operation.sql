-- Stores how far a bulk operation has come from the run $3 on; without a last run it has ended.
update bulk_operation
   set status = case when $4::uuid is null then 'COMPLETED' else 'RUNNING' end,
       ended_at = case when $4::uuid is null then now() end,
       last_flow_run_id = coalesce($4::uuid, bulk_operation.last_flow_run_id),
       looked_at_count = bulk_operation.looked_at_count + $5,
       changed_count = bulk_operation.changed_count + $6,
       refused_count = bulk_operation.refused_count + $7,
       refusals = bulk_operation.refusals || $8::jsonb,
       updated_at = now()
 where bulk_operation.workspace_id = $1
   and bulk_operation.bulk_operation_id = $2
   and bulk_operation.last_flow_run_id is not distinct from $3
   and bulk_operation.status in ('PENDING', 'RUNNING')
returning bulk_operation.bulk_operation_id
