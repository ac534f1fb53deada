-- Notes that the latest artifact of a key is to have a successor, unless that is there already.
update artifact
   set is_latest = false
 where artifact.workspace_id = $1
   and artifact.key = $2
   and artifact.key <> ''
   and artifact.is_latest
   and not exists (
           select 1
             from artifact as successor
            where successor.artifact_id = $3
       )
