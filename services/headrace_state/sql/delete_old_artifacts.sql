-- Deletes up to $3 artifacts that did not change for $2 days: versions that are not the latest, and what has neither a
-- key nor a run any more.
with old as (
    select artifact.artifact_id
      from artifact
     where artifact.workspace_id = $1
       and artifact.updated_at < now() - make_interval(secs => $2 * 86400)
       and (
               not artifact.is_latest
               or (
                   artifact.key = ''
                   and not exists (
                       select 1
                         from flow_run
                        where flow_run.flow_run_id = artifact.flow_run_id
                   )
               )
           )
     order by artifact.updated_at
     limit $3
       for update skip locked
),
gone as (
    delete from artifact
     using old
     where artifact.artifact_id = old.artifact_id
    returning artifact.artifact_id
)
select count(*)
  from gone
