-- Deletes deliveries that ended some days ago.
delete from delivery
 where delivery_id = any (array (
       select delivery_id
         from delivery
        where ended_at < now() - make_interval(days => $1)
        order by ended_at
        limit $2
       ))
