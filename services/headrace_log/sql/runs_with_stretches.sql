-- Tells which of these runs are summed up, at least in part.
select run.flow_run_id
  from unnest($1::uuid[]) as run (flow_run_id)
 where exists (
       select
         from stretch
        where stretch.flow_run_id = run.flow_run_id
          and stretch.workspace_id is not distinct from $2
       )
