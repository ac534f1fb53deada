-- What a workspace may call in each process.
select calls_per_second,
       concurrent_calls
  from workspace
 where workspace_id = $1
