-- The errand is done.
delete from errand
 where kind = $1
   and subject = $2
