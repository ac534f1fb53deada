-- Notes that lateness of these runs was looked at.
update due_run
   set is_late = true
 where due_run.flow_run_id = any ($1::uuid[])
