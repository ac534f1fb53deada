-- Counts a failure of a sink.
update sink
   set failures = failures + 1,
       last_error = $3
 where workspace_id = $1
   and name = $2
