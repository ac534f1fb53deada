-- Stores what a delivery does, encrypted anew.
update delivery
   set action = $2
 where delivery_id = $1
