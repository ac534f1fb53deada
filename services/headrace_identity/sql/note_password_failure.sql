-- Count a wrong password.
update password
   set failures = failures + 1,
       locked_until = $2
 where principal_id = $1
