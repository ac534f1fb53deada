-- Makes the newest artifact of a key the latest.
update artifact
   set is_latest = true
 where artifact.artifact_id = (
           select newest.artifact_id
             from artifact as newest
            where newest.workspace_id = $1
              and newest.key = $2
              and newest.key <> ''
            order by newest.created_at desc, newest.artifact_id desc
            limit 1
       )
