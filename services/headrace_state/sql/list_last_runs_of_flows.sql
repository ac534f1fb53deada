-- Lists the last runs of each of the flows $2 that began or are over, up to $3 of each, latest first.
select owner.flow_id as owner_id,
       run.flow_run_id,
       run.name,
       run.flow_id,
       run.flow_name,
       run.deployment_id,
       run.state_type,
       run.state_name,
       run.run_seconds,
       coalesce(run.started_at, run.ended_at, run.expected_start_at, run.created_at) as at
  from unnest($2::uuid[]) as owner (flow_id)
 cross join lateral (
           select flow_run.flow_run_id,
                  flow_run.name,
                  flow_run.flow_id,
                  flow_run.flow_name,
                  flow_run.deployment_id,
                  flow_run.state_type,
                  flow_run.state_name,
                  flow_run.run_seconds,
                  flow_run.started_at,
                  flow_run.ended_at,
                  flow_run.expected_start_at,
                  flow_run.created_at
             from flow_run
            where flow_run.workspace_id = $1
              and flow_run.flow_id = owner.flow_id
              and flow_run.state_type <> 'SCHEDULED'
            order by flow_run.flow_run_id desc
            limit $3
       ) as run
 order by owner.flow_id, run.flow_run_id desc
