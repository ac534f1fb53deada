-- Lists inputs of a flow run behind a place (time $4 and key $5), oldest first.
select run_input.flow_run_id,
       run_input.key,
       run_input.value,
       run_input.sender,
       run_input.created_at
  from run_input
 where run_input.workspace_id = $1
   and run_input.flow_run_id = $2
   and starts_with(run_input.key, $3)
   and ($4::timestamptz is null or (run_input.created_at, run_input.key) > ($4::timestamptz, $5::text))
 order by run_input.created_at, run_input.key
 limit $6
