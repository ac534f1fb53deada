-- How many users there are.
select count(*)
  from principal
 where workspace_id is null
