-- Takes those out of line who did not come back in time.
with gone as (
    delete from waiter
     where waiter.keep_until <= clock_timestamp()
    returning lease_id
)
select count(*) as gone
  from gone
