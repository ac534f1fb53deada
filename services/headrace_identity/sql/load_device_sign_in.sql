-- A program that waits.
select user_code,
       client_name,
       loopback_port,
       address,
       created_at,
       expires_at,
       is_approved,
       principal_id
  from device_sign_in
 where user_code = $1
   and is_approved is null
   and expires_at > now()
