-- What the last entries about some objects left of them.
select wanted.object_kind,
       wanted.object_id,
       last.after_digest
  from unnest($2::text[], $3::text[]) as wanted (object_kind, object_id)
  cross join lateral (
       select after_digest
         from audit_entry
        where workspace_id = $1
          and object_kind = wanted.object_kind
          and object_id = wanted.object_id
        order by sequence desc
        limit 1
  ) as last
