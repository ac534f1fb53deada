-- Makes no artifact of a key the latest, so that the newest can be made it.
update artifact
   set is_latest = false
 where artifact.workspace_id = $1
   and artifact.key = $2
   and artifact.key <> ''
   and artifact.is_latest
