-- Changes what is given of an artifact; with $3 the content.
update artifact
   set content = case when $3 then $4 else artifact.content end,
       data = case when $3 then $5 else artifact.data end,
       description = coalesce($6, artifact.description),
       metadata = coalesce($7, artifact.metadata),
       updated_at = clock_timestamp()
 where artifact.workspace_id = $1
   and artifact.artifact_id = $2
returning artifact.artifact_id,
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
