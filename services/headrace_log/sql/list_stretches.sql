-- Lists the stretches of a run in the order of time, and whether each may contain what has these hashes.
select after_at, after_position, last_at, last_position, settled,
       not exists (
           select
             from unnest($5::integer[]) as piece (hash)
            where get_bit(grams, (hash & (octet_length(grams) * 8 - 1))::bigint) = 0
       ) as may_contain
  from stretch
 where flow_run_id = $1
   and workspace_id = $2
   and last_at >= $3
   and after_at <= $4
 order by last_at, last_position
