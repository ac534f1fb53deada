-- Forgets task servers that gave no sign of life for some seconds.
delete
  from task_server
 where seen_at < now() - make_interval(secs => $1)
