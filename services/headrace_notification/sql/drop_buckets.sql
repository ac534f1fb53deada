-- Forgets what an automation remembers.
delete from bucket
 where automation_id = $1
