-- Tells which artifacts are there.
select artifact.artifact_id
  from artifact
 where artifact.workspace_id = $1
   and artifact.artifact_id = any ($2::uuid[])
