-- A try was neither right nor wrong, or right for something else than signing in: as if it had not been.
update sign_in_try
   set failures = greatest(failures - 1, 0),
       locked_until = null
 where provider = $1
   and name_digest = $2
