-- Sets the variable with an id, and gives it a name.
update variable
   set name = $3,
       value = $4,
       tags = $5,
       updated_at = clock_timestamp()
 where variable.workspace_id = $2
   and variable.variable_id = $1
returning variable.variable_id, variable.name, variable.value, variable.tags, variable.created_at, variable.updated_at
