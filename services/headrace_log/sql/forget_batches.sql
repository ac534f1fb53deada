-- Forgets digests of batches that nobody will send again.
delete from appended_batch
 where (workspace_id, digest) in (
       select workspace_id, digest
         from appended_batch
        where recorded_at < now() - make_interval(days => $1)
        order by recorded_at
        limit $2
          for update skip locked
       )
