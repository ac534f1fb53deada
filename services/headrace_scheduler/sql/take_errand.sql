-- Lock an errand; wait where another tells it.
select kind,
       subject,
       workspace_id,
       payload
  from errand
 where kind = $1
   and subject = $2
   for update
