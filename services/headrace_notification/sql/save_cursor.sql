-- Stores how far a source is followed.
insert into cursor (name, cursor)
values ($1, $2)
    on conflict (name) do update
   set cursor = excluded.cursor,
       updated_at = now()
