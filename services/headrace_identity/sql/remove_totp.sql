-- One-time codes are not needed any more.
update password
   set totp_secret = '',
       totp_confirmed = false,
       totp_last_step = 0,
       recovery_hashes = '{}'
 where principal_id = $1
