-- Use up a recovery code, once.
update password
   set recovery_hashes = array_remove(recovery_hashes, $2::bytea)
 where principal_id = $1
   and $2::bytea = any(recovery_hashes)
returning principal_id
