-- Use up the code of a step, once.
update password
   set totp_last_step = $2
 where principal_id = $1
   and totp_last_step < $2
returning principal_id
