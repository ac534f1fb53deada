-- Brings who waits in line for any of the limits, first in line first.
select waiter.lease_id,
       waiter.names,
       waiter.slots,
       waiter.holder_kind,
       waiter.holder_id,
       waiter.lease_seconds,
       waiter.place,
       waiter.keep_until
  from waiter
 where waiter.workspace_id = $1
   and waiter.names && $2::text[]
   and waiter.keep_until > clock_timestamp()
 order by waiter.place
