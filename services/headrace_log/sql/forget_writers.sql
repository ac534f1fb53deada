-- Forgets writing processes that were not heard of for some days.
delete from writer
 where (workspace_id, process_id) in (
       select workspace_id, process_id
         from writer
        where seen_at < now() - make_interval(days => $1)
        order by workspace_id, process_id
        limit $2
          for update skip locked
       )
