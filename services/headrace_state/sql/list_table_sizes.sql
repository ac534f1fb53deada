-- Tells how much room each table of the services takes, parts by days together, the largest first.
select space.nspname as service,
       coalesce(whole.relname, part.relname) as table_name,
       sum(greatest(part.reltuples, pg_stat_get_live_tuples(part.oid), 0))::bigint as row_count,
       sum(pg_table_size(part.oid))::bigint as data_bytes,
       sum(pg_indexes_size(part.oid))::bigint as index_bytes,
       count(*) filter (where part.relispartition)::integer as partition_count
  from pg_class as part
  join pg_namespace as space
    on space.oid = part.relnamespace
  left join pg_inherits as belonging
    on part.relispartition
   and belonging.inhrelid = part.oid
  left join pg_class as whole
    on whole.oid = belonging.inhparent
 where part.relkind = 'r'
   and space.nspname in ('state', 'scheduler', 'log', 'notification', 'identity')
 group by space.nspname, coalesce(whole.relname, part.relname)
 order by sum(pg_total_relation_size(part.oid)) desc, space.nspname, coalesce(whole.relname, part.relname)
