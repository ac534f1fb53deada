-- Deletes a webhook with the calls that it remembers.
  with forgotten as (delete from webhook_call where webhook_id = $1 and workspace_id = $2)
delete from webhook
 where webhook_id = $1
   and workspace_id = $2
returning webhook_id
