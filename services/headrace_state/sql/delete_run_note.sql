-- Deletes a note on a flow run.
delete from run_note
 where run_note.workspace_id = $1
   and run_note.flow_run_id = $2
   and run_note.run_note_id = $3
returning run_note.run_note_id
