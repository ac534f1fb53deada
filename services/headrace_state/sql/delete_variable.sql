-- Deletes a variable.
delete from variable
 where variable.workspace_id = $1
   and variable.name = $2
returning variable.variable_id
