-- Forgets calls that may come again as other events.
delete from webhook_call
 where (webhook_id, digest) in (
        select webhook_id, digest
          from webhook_call
         where expires_at <= now()
         limit $1
       )
