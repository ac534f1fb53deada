-- A program that asks whether it was decided about.
select user_code,
       client_name,
       loopback_port,
       address,
       created_at,
       expires_at,
       is_approved,
       principal_id
  from device_sign_in
 where device_hash = $1
   and expires_at > now()
   for update
