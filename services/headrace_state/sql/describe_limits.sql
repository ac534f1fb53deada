-- Describes active limits $2, and who was first to take slots of each, at most $3.
select concurrency_limit.name,
       concurrency_limit.slots,
       concurrency_limit.slot_decay_per_second > 0 as is_rate,
       case
           when concurrency_limit.slot_decay_per_second > 0
           then ceil(greatest(
                    0,
                    concurrency_limit.level
                    - extract(epoch from clock_timestamp() - concurrency_limit.level_at)::double precision
                      * concurrency_limit.slot_decay_per_second
                ))::bigint
           else (
               select coalesce(sum(lease_slot.slots), 0)
                 from lease_slot
                where lease_slot.workspace_id = concurrency_limit.workspace_id
                  and lease_slot.limit_name = concurrency_limit.name
           )
       end as taken,
       coalesce(
           (select jsonb_agg(jsonb_build_object(
                       'kind', holder.kind,
                       'holder_id', holder.holder_id,
                       'name', holder.name,
                       'since', holder.since,
                       'slots', holder.slots
                   ) order by holder.since)
              from (
                       select case when lease.flow_run_id is not null then 'flow-run' else lease.holder_kind end as kind,
                              coalesce(lease.flow_run_id::text, lease.holder_id) as holder_id,
                              coalesce(flow_run.name, '') as name,
                              lease.since,
                              lease_slot.slots
                         from lease_slot
                         join lease on lease.lease_id = lease_slot.lease_id
                         left join flow_run on flow_run.flow_run_id = lease.flow_run_id
                        where lease_slot.workspace_id = concurrency_limit.workspace_id
                          and lease_slot.limit_name = concurrency_limit.name
                        order by lease.since
                        limit $3
                   ) as holder),
           '[]'::jsonb
       ) as holders
  from concurrency_limit
 where concurrency_limit.workspace_id = $1
   and concurrency_limit.name = any ($2::text[])
   and concurrency_limit.is_active
 order by concurrency_limit.name
