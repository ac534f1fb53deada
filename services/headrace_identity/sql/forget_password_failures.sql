-- Begin to count wrong passwords anew.
update password
   set failures = 0,
       locked_until = null
 where principal_id = $1
   and failures > 0
