-- A secret for one-time codes that has not been confirmed.
update password
   set totp_secret = $2,
       totp_confirmed = false,
       totp_last_step = 0
 where principal_id = $1
   and not totp_confirmed
