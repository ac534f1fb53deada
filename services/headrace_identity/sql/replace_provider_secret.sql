-- A secret that was sealed anew.
update identity_provider
   set secret = $3
 where handle = $1
   and secret = $2
