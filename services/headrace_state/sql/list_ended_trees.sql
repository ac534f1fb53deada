-- Lists runs that ended $2 days ago and are at the top of their trees, behind a time and an id, oldest first.
select flow_run.flow_run_id,
       flow_run.ended_at,
       flow_run.deployment_id,
       flow_run.tags
  from flow_run
 where flow_run.workspace_id = $1
   and coalesce(flow_run.ended_at, '-infinity'::timestamptz) > '-infinity'::timestamptz
   and coalesce(flow_run.ended_at, '-infinity'::timestamptz) < now() - make_interval(secs => $2 * 86400)
   and (
           $3::timestamptz is null
           or (coalesce(flow_run.ended_at, '-infinity'::timestamptz), flow_run.flow_run_id) > ($3::timestamptz, $4::uuid)
       )
   and flow_run.state_type in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
   and (
           flow_run.parent_flow_run_id is null
           or not exists (
               select 1
                 from flow_run as root
                where root.flow_run_id = flow_run.root_flow_run_id
           )
       )
 order by coalesce(flow_run.ended_at, '-infinity'::timestamptz), flow_run.flow_run_id
 limit $5
