-- Deletes the history of runs that are gone, from a time on.
delete from transition
 where transition.run_id = any ($1::uuid[])
   and transition.occurred_at >= $2
