-- Deletes an artifact.
delete from artifact
 where artifact.workspace_id = $1
   and artifact.artifact_id = $2
returning artifact.key, artifact.is_latest
