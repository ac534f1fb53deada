-- The limit that a deployment has now.
select concurrency_limit
  from deployment
 where deployment_id = $1
