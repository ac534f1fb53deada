-- Nobody may try a name until then.
update sign_in_try
   set locked_until = $3
 where provider = $1
   and name_digest = $2
