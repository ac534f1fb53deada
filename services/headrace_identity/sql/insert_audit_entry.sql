-- One more entry of the audit log.
insert into audit_entry (
       workspace_id,
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
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
