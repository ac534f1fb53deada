-- Counts the slots that leases hold of limits, and tells the time.
select wanted.name,
       coalesce(sum(lease_slot.slots), 0)::integer as taken,
       clock_timestamp() as now
  from unnest($2::text[]) as wanted (name)
  left join lease_slot
    on lease_slot.workspace_id = $1
   and lease_slot.limit_name = wanted.name
 group by wanted.name
