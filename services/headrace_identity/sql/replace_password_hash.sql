-- The same password with newer parameters.
update password
   set hash = $2
 where principal_id = $1
