-- Who a provider knows as a subject; they sign in now.
update external_identity
   set last_sign_in_at = now()
 where provider = $1
   and subject = $2
returning principal_id
