-- Lists the notes on a flow run behind the note $3, oldest first.
select run_note.run_note_id,
       run_note.flow_run_id,
       run_note.text,
       run_note.creator_kind,
       run_note.creator_id,
       run_note.creator_name,
       run_note.created_at
  from run_note
 where run_note.workspace_id = $1
   and run_note.flow_run_id = $2
   and ($3::uuid is null or run_note.run_note_id > $3::uuid)
 order by run_note.run_note_id
 limit $4
