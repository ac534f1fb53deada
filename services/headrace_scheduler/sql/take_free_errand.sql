-- Lock an errand that nobody else is telling.
select kind,
       subject,
       workspace_id,
       payload
  from errand
 where kind = $1
   and subject = $2
   for update skip locked
