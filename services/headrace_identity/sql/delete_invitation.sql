-- An open invitation taken back.
delete from invitation
 where workspace_id = $1
   and invitation_id = $2
   and accepted_at is null
