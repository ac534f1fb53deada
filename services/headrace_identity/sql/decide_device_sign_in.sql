-- Approve or refuse a program that waits.
update device_sign_in
   set is_approved = $3,
       principal_id = $2
 where user_code = $1
   and is_approved is null
   and expires_at > now()
returning user_code,
       client_name,
       loopback_port,
       address,
       created_at,
       expires_at,
       is_approved,
       principal_id
