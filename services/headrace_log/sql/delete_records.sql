-- Deletes records of a span of time and a band of levels, of some runs (null: of all) and not of others.
delete from record
 where workspace_id = $1
   and occurred_at >= $2
   and occurred_at < $3
   and level > $4
   and level <= $5
   and ($6::uuid[] is null or flow_run_id = any ($6::uuid[]))
   and (flow_run_id is null or flow_run_id <> all ($7::uuid[]))
