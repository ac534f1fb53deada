-- Deletes stretches that no day's partition holds, and none of whose records is left.
delete from stretch_default
 where ctid = any (array (
       select ctid
         from stretch_default
        where not exists (
              select
                from record
               where record.flow_run_id = stretch_default.flow_run_id
                 and record.occurred_at between stretch_default.after_at and stretch_default.last_at
              )
        limit $1
       ))
