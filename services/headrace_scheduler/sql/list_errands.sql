-- What the state service has yet to be told, oldest first.
select kind,
       subject,
       workspace_id,
       payload
  from errand
 order by created_at, kind, subject
 limit $1
