-- Stores the secrets of a channel, encrypted anew, unless they changed meanwhile.
update channel
   set secrets = $2
 where channel_id = $1
   and secrets = $3
