-- Forgets up to $2 bulk operations that ended $1 days ago; returns how many.
with old as (
    select bulk_operation.bulk_operation_id
      from bulk_operation
     where bulk_operation.ended_at < now() - make_interval(secs => $1 * 86400)
     limit $2
),
gone as (
    delete from bulk_operation
     using old
     where bulk_operation.bulk_operation_id = old.bulk_operation_id
    returning bulk_operation.bulk_operation_id
)
select count(*)
  from gone
