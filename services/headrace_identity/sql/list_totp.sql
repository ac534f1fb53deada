-- All sealed secrets of one-time codes.
select principal_id,
       totp_secret
  from password
 where totp_secret <> ''
 order by principal_id
