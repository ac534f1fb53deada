-- Keeps how far a sink is.
update sink
   set token = $3,
       sent_records = sent_records + $4,
       sent_at = case when $4 > 0 then now() else sent_at end,
       failures = 0,
       last_error = ''
 where workspace_id = $1
   and name = $2
