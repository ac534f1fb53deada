-- One-time codes are needed from now on.
update password
   set totp_confirmed = true,
       totp_last_step = $2,
       recovery_hashes = $3
 where principal_id = $1
