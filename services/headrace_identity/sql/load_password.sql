-- What is kept of a user's password.
select principal_id,
       hash,
       failures,
       locked_until,
       totp_secret,
       totp_confirmed,
       totp_last_step,
       recovery_hashes
  from password
 where principal_id = $1
