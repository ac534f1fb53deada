-- Creates an artifact as the latest of its key; nothing if its id is taken.
insert into artifact (
       artifact_id, workspace_id, key, kind, type, content, data, description, metadata, flow_run_id, task_run_id
)
values ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (artifact_id) do nothing
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
