-- Somebody signed in: begin to count anew.
delete from sign_in_try
 where provider = $1
   and name_digest = $2
