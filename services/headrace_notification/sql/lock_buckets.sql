-- Returns what automations remember for keys, locked.
select bucket.automation_id,
       bucket.key,
       bucket.starts_at,
       bucket.ends_at,
       bucket.count,
       bucket.fired_at,
       bucket.last_event,
       bucket.came_true
  from bucket
 where (bucket.automation_id, bucket.key) in (
       select wanted.automation_id, wanted.key::text[]
         from unnest($1::uuid[], $2::text[]) as wanted (automation_id, key)
       )
 order by bucket.automation_id, bucket.key
   for update
