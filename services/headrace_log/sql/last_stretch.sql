-- Tells where the last stretch of a run ends.
select last_at, last_position
  from stretch
 where flow_run_id = $1
   and workspace_id is not distinct from $2
 order by last_at desc, last_position desc
 limit 1
