-- Entries of a workspace behind one, in their order.
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
   and sequence > $2
 order by sequence
 limit $3
