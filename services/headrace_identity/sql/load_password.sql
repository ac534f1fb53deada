-- What is kept of a user's password.
select principal_id,
       hash,
       totp_secret,
       totp_confirmed,
       totp_last_step,
       recovery_hashes
  from password
 where principal_id = $1
