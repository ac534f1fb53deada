-- Deletes records of far-off clocks, which no day's partition holds, by the time at which they came.
delete from record_default
 where ctid = any (array (
       select ctid
         from record_default
        where recorded_at < now() - make_interval(days => $1)
        limit $2
       ))
