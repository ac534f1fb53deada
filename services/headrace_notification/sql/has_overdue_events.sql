-- Returns whether events have waited long enough for those that they follow.
select exists (
       select
         from held_event
        where held_until <= now()
       )
