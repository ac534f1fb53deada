-- Counts a failure of a sink, and pauses it with the $4th in a row; returns whether it is paused.
update sink
   set failures = failures + 1,
       is_paused = is_paused or failures + 1 >= $4,
       last_error = case
           when failures + 1 < $4 then $3
           else format('paused after %s failures in a row, the last of them: %s', failures + 1, $3::text)
       end
 where workspace_id = $1
   and name = $2
returning is_paused
