-- Lists the artifacts of a flow run and its task runs, first ones first.
select artifact.artifact_id,
       artifact.key,
       artifact.kind,
       artifact.task_run_id,
       artifact.created_at
  from artifact
 where artifact.workspace_id = $1
   and artifact.flow_run_id = $2
 order by artifact.artifact_id
 limit $3
