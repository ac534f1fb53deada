-- Store how far a schedule has come, unless a user changed it in the meantime.
update schedule
   set cursor_at = $3,
       next_at = $4,
       upcoming_at = $5
 where schedule_id = $1
   and revision = $2
returning schedule_id
