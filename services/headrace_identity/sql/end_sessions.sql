-- End one session of a user ($2), or all but one ($3).
delete from session
 where principal_id = $1
   and ($2::uuid is null or session_id = $2)
   and ($3::uuid is null or session_id <> $3)
returning session_id
