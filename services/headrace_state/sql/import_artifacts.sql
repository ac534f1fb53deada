-- Stores artifacts $1 as they were elsewhere; with a key, as earlier versions of it. Returns the ids of those that
-- were stored.
insert into artifact (
       artifact_id,
       workspace_id,
       key,
       kind,
       type,
       content,
       data,
       description,
       metadata,
       flow_run_id,
       task_run_id,
       is_latest,
       created_at,
       updated_at
)
select new.artifact_id,
       new.workspace_id,
       new.key,
       new.kind,
       new.type,
       new.content,
       new.data,
       new.description,
       new.metadata,
       new.flow_run_id,
       new.task_run_id,
       new.key = '',
       new.created_at,
       new.updated_at
  from json_populate_recordset(null::artifact, $1::text::json) as new
    on conflict (artifact_id) do nothing
returning artifact.artifact_id
