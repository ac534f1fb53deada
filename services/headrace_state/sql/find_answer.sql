-- Brings the state in which a flow run was left by a proposal $3, or its version $4.
select transition.state_id,
       transition.state_type,
       transition.state_name,
       transition.message,
       transition.occurred_at,
       transition.version,
       transition.details,
       transition.result,
       transition.answer
  from transition
 where transition.run_id = $1
   and transition.occurred_at >= $2
   and (transition.proposal_id = $3 or transition.version = $4)
 order by transition.version
 limit 1
