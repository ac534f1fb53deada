-- Stores that everything stored up to a moment is evaluated, if a timer waits to know it.
insert into cursor (name, cursor, evaluated_until)
select 'evaluation', '', $1::timestamptz
 where exists (select from bucket where due_at <= $1)
    on conflict (name) do update
   set evaluated_until = greatest(cursor.evaluated_until, excluded.evaluated_until),
       updated_at = now()
