-- A secret that was sealed anew.
update password
   set totp_secret = $3
 where principal_id = $1
   and totp_secret = $2
