-- Deletes a channel, and gives up what waits for it.
with deleted as (
       delete from channel
        where channel_id = $1
          and workspace_id = $2
       returning channel_id
     ),
     given_up as (
       update channel_delivery
          set status = 'DEAD',
              next_try_at = null,
              ended_at = now(),
              last_answer = 'the channel was deleted'
         from deleted
        where channel_delivery.channel_id = deleted.channel_id
          and channel_delivery.status = 'PENDING'
     )
select channel_id
  from deleted
