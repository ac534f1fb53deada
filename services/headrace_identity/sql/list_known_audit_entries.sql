-- Which of some entries the log has already.
select audit_entry_id
  from audit_entry
 where audit_entry_id = any($1::uuid[])
