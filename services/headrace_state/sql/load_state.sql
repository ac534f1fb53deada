-- Brings one state, of a flow run ($3 true) or a task run, that was entered between $4 and $5.
select transition.run_id,
       transition.flow_run_id,
       transition.state_id,
       transition.state_type,
       transition.state_name,
       transition.message,
       transition.occurred_at,
       transition.version,
       transition.details,
       transition.result
  from transition
 where transition.workspace_id = $1
   and transition.state_id = $2
   and (transition.run_id = transition.flow_run_id) is true = $3
   and transition.occurred_at >= $4
   and transition.occurred_at < $5
 limit 1
