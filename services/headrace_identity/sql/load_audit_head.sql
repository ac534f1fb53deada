-- Where the chain of a workspace ends.
select sequence,
       hash
  from audit_entry
 where workspace_id = $1
 order by sequence desc
 limit 1
