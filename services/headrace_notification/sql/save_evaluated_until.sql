-- Stores up to when the events of sources are evaluated; time does not go back.
insert into cursor (name, cursor, evaluated_until)
select name, '', until
  from unnest($1::text[], $2::timestamptz[]) as source (name, until)
    on conflict (name) do update
   set evaluated_until = greatest(cursor.evaluated_until, excluded.evaluated_until),
       updated_at = now()
