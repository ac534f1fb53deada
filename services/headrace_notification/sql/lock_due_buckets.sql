-- Returns buckets whose time is over, once everything that could have come in time is evaluated, locked.
select bucket.automation_id,
       bucket.key,
       bucket.starts_at,
       bucket.ends_at,
       bucket.count,
       bucket.fired_at,
       bucket.last_event,
       bucket.came_true,
       now() as now
  from bucket
 where bucket.due_at <= now()
   and not exists (
       select
         from unnest(bucket.sources) as source (name)
         left join cursor
           on cursor.name = source.name
        where cursor.evaluated_until is null
           or cursor.evaluated_until < bucket.due_at
       )
 order by bucket.due_at
 limit $1
   for update of bucket skip locked
