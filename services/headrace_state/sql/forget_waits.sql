-- Deletes what flow run $2 keeps of its own waits: its sleeps, forms, answers and events; messages of others stay.
delete from run_input
 where run_input.workspace_id = $1
   and run_input.flow_run_id = $2
   and (
           run_input.sender = 'headrace.flow-run.' || $2::uuid::text
        or starts_with(run_input.sender, 'headrace.automation.')
        or exists (
               select 1
                 from run_input as form
                where form.flow_run_id = run_input.flow_run_id
                  and form.sender = 'headrace.flow-run.' || $2::uuid::text
                  and form.key = regexp_replace(run_input.key, '-response$', '-schema')
                  and run_input.key like '%-response'
           )
       )
