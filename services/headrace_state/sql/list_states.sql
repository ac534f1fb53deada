-- Lists the states that a run went through behind a version, oldest first.
select transition.state_id,
       transition.state_type,
       transition.state_name,
       transition.message,
       transition.occurred_at,
       transition.version,
       transition.details,
       transition.result
  from transition
 where transition.workspace_id = $1
   and transition.run_id = $2
   and transition.occurred_at >= $3
   and (transition.version, transition.occurred_at) > ($4, $5)
 order by transition.version, transition.occurred_at
 limit $6
