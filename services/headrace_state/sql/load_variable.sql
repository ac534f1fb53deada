-- Brings one variable.
select variable.variable_id,
       variable.name,
       variable.value,
       variable.tags,
       variable.created_at,
       variable.updated_at
  from variable
 where variable.workspace_id = $1
   and variable.name = $2
