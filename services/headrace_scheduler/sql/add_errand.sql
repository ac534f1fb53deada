-- Something that the state service has yet to be told. Waits for whoever is telling it right now.
insert into errand (kind, subject, workspace_id, payload)
values ($1, $2, $3, $4)
on conflict (kind, subject) do update
   set payload = excluded.payload
