-- Forgets by when attempts $1 had to be running.
delete from start_deadline
 where start_deadline.attempt_token = any ($1::uuid[])
