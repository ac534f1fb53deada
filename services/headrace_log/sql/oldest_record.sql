-- Tells when the oldest record of a workspace was written, of all (null) or of those from a moment on.
select occurred_at
  from record
 where workspace_id = $1
   and occurred_at >= coalesce($2::timestamptz, '-infinity')
 order by occurred_at, position
 limit 1
