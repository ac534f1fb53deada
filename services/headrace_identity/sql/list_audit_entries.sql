-- Entries of a workspace that fit a filter, the newest first.
select workspace_id,
       sequence,
       audit_entry_id,
       occurred_at,
       principal_id,
       principal_kind,
       principal_name,
       action,
       permission,
       object_kind,
       object_id,
       outcome,
       reason,
       address,
       user_agent,
       correlation_id,
       before_digest,
       after_digest,
       previous_hash,
       hash
  from audit_entry
 where workspace_id = $1
   and ($2::bigint is null or sequence < $2)
   and ($3 = '' or principal_id = $3)
   and ($4 = '' or strpos(lower(action), lower($4)) > 0)
   and ($5 = '' or object_kind = $5)
   and ($6 = '' or object_id = $6)
   and ($7 = '' or outcome = $7)
   and ($8::timestamptz is null or occurred_at >= $8)
   and ($9::timestamptz is null or occurred_at < $9)
 order by sequence desc
 limit $10
