-- Ends a bulk operation, unless it has ended.
update bulk_operation
   set status = 'CANCELLED',
       ended_at = now(),
       updated_at = now()
 where bulk_operation.workspace_id = $1
   and bulk_operation.bulk_operation_id = $2
   and bulk_operation.status in ('PENDING', 'RUNNING')
