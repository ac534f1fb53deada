-- Adds an input with key $2 to flow run $1, unless there is one, or there are $6 inputs already; returns it.
insert into run_input (flow_run_id, key, workspace_id, value, sender, created_at)
select $1, $2, $3, $4, $5, clock_timestamp()
 where (
           select count(*)
             from run_input
            where run_input.flow_run_id = $1
       ) < $6::bigint
    on conflict (flow_run_id, key) do nothing
returning run_input.flow_run_id, run_input.key, run_input.value, run_input.sender, run_input.created_at
