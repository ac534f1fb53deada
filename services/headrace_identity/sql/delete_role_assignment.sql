-- A role taken away.
delete from role_assignment
 where role_assignment_id = $1
