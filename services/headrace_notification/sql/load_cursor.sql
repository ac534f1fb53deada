-- Returns how far a source is followed.
select cursor
  from cursor
 where name = $1
