-- Brings one artifact.
select artifact.artifact_id,
       artifact.key,
       artifact.kind,
       artifact.type,
       artifact.content,
       artifact.data,
       artifact.description,
       artifact.metadata,
       artifact.flow_run_id,
       artifact.task_run_id,
       artifact.is_latest,
       artifact.created_at,
       artifact.updated_at
  from artifact
 where artifact.workspace_id = $1
   and artifact.artifact_id = $2
