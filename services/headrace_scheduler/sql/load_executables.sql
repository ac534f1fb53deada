-- What workers need of versions of deployments to run them.
select deployment_version.version_id,
       deployment_version.content,
       deployment.concurrency_limit,
       deployment.concurrency_strategy,
       deployment.grace_seconds,
       deployment.shared_limit_name,
       deployment.concurrency_key,
       deployment.concurrency_key_limit
  from deployment_version
  join deployment
    on deployment.deployment_id = deployment_version.deployment_id
 where deployment_version.version_id = any ($1::uuid[])
