-- Adds a note to a flow run; nothing comes back if there is no such run, or the note's id is taken.
insert into run_note (
       workspace_id,
       flow_run_id,
       run_note_id,
       text,
       creator_kind,
       creator_id,
       creator_name
)
select flow_run.workspace_id,
       flow_run.flow_run_id,
       $3,
       $4,
       $5,
       $6,
       $7
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = $2
    on conflict do nothing
returning run_note.run_note_id,
          run_note.flow_run_id,
          run_note.text,
          run_note.creator_kind,
          run_note.creator_id,
          run_note.creator_name,
          run_note.created_at
