-- Lists the last states of a flow run, oldest first.
select latest.state_type,
       latest.state_name,
       latest.occurred_at
  from (
           select transition.state_type,
                  transition.state_name,
                  transition.occurred_at,
                  transition.version
             from transition
            where transition.workspace_id = $1
              and transition.run_id = $2
              and transition.occurred_at >= $3
            order by transition.version desc
            limit $4
       ) as latest
 order by latest.version
