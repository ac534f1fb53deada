-- Changes payloads of a flow run: those named in $3, to the values in $4.
insert into flow_run_payload as stored (flow_run_id, workspace_id, parameters, job_variables)
select $2, $1, coalesce(new.parameters, '{}'), coalesce(new.job_variables, '{}')
  from json_populate_record(null::flow_run_payload, $4::text::json) as new
    on conflict (flow_run_id) do update
   set parameters = case when 'parameters' = any ($3::text[])
                         then excluded.parameters
                         else stored.parameters
                    end,
       job_variables = case when 'job_variables' = any ($3::text[])
                            then excluded.job_variables
                            else stored.job_variables
                       end
