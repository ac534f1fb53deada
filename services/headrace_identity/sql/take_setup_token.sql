-- What the first administrator gets in with; only once.
delete from setup_token
 where secret_hash = $1
   and expires_at > now()
returning true
