-- Forgets what automations remember for keys.
delete from bucket
 where (automation_id, key) in (
       select automation_id, key::text[]
         from unnest($1::uuid[], $2::text[]) as gone (automation_id, key)
       )
