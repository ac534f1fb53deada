-- Lists attempts that had to be running by now, whether they are or not.
select start_deadline.attempt_token,
       start_deadline.workspace_id,
       start_deadline.flow_run_id,
       start_deadline.timeout_seconds
  from start_deadline
 where start_deadline.start_by <= clock_timestamp()
 order by start_deadline.start_by
 limit $1
