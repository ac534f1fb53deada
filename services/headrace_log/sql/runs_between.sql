-- Lists the flow runs that wrote in a span of time.
select distinct flow_run_id
  from record
 where workspace_id = $1
   and occurred_at >= $2
   and occurred_at < $3
   and flow_run_id is not null
