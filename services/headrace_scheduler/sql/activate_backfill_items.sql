-- Stores that runs with numbers $2 of a backfill $1 were made, as the flow runs $3.
update backfill_item
   set flow_run_id = made.flow_run_id,
       state = 'ACTIVE',
       tries = backfill_item.tries + 1
  from unnest($2::integer[], $3::uuid[]) as made (number, flow_run_id)
 where backfill_item.backfill_id = $1
   and backfill_item.number = made.number
   and backfill_item.state = 'WAITING'
