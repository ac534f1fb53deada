-- Lists who waits in line for slots of a limit, first in line first.
select waiter.holder_kind,
       waiter.holder_id,
       waiter.slots,
       waiter.since,
       waiter.keep_until
  from waiter
 where waiter.workspace_id = $1
   and waiter.names @> array[$2]
   and waiter.keep_until > now()
 order by waiter.place
 limit $3
