-- Stores what came of a try, unless another process has taken the delivery over meanwhile.
update delivery
   set status = $3,
       next_try_at = case when $3 = 'PENDING' then now() + make_interval(secs => $4) end,
       last_answer = $5,
       last_status_code = $6,
       ended_at = case when $3 = 'PENDING' then null else now() end
 where delivery_id = $1
   and tries = $2
   and status = 'PENDING'
returning delivery_id
