-- Forgets what no event or timer has touched for some days.
delete from bucket
 where (automation_id, key) in (
       select automation_id, key
         from bucket
        where updated_at < now() - make_interval(days => $1)
          and due_at is null
        order by updated_at
        limit $2
          for update skip locked
       )
