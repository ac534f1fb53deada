-- Adds a stretch, unless another replica was there before; its beginning is checked, so that stretches never overlap.
insert into stretch
       (flow_run_id, last_at, last_position, workspace_id, after_at, after_position, settled, records, grams)
select $1, $2, $3, $4, $5, $6, $7, $8, $9
 where not exists (
       select
         from stretch
        where flow_run_id = $1
          and (last_at, last_position) > ($5, $6)
       )
    on conflict (flow_run_id, last_at, last_position) do nothing
