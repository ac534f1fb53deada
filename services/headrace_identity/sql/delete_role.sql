-- A role, and that anybody holds it.
with gone as (
    delete from role_assignment
     where role = $1
)
delete from role
 where handle = $1
