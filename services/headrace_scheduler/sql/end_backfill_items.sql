-- Stores in which states $3 the runs with numbers $2 of a backfill $1 ended.
update backfill_item
   set state = ended.state
  from unnest($2::integer[], $3::text[]) as ended (number, state)
 where backfill_item.backfill_id = $1
   and backfill_item.number = ended.number
   and backfill_item.state = 'ACTIVE'
