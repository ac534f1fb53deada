-- Starts a bulk operation; nothing comes back if its id is taken.
insert into bulk_operation (
       workspace_id,
       bulk_operation_id,
       action,
       filter,
       run_count,
       is_capped,
       creator_kind,
       creator_id,
       creator_name
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict do nothing
returning bulk_operation.workspace_id,
          bulk_operation.bulk_operation_id,
          bulk_operation.action,
          bulk_operation.filter,
          bulk_operation.status,
          bulk_operation.run_count,
          bulk_operation.is_capped,
          bulk_operation.last_flow_run_id,
          bulk_operation.looked_at_count,
          bulk_operation.changed_count,
          bulk_operation.refused_count,
          bulk_operation.refusals,
          bulk_operation.creator_kind,
          bulk_operation.creator_id,
          bulk_operation.creator_name,
          bulk_operation.created_at,
          bulk_operation.updated_at,
          bulk_operation.ended_at
