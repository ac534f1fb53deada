-- Lists variables by name.
select variable.variable_id,
       variable.name,
       variable.value,
       variable.tags,
       variable.created_at,
       variable.updated_at
  from variable
 where variable.workspace_id = $1
   and ($2 = '' or variable.name ilike $2)
   and variable.tags @> $3::text[]
   and ($4::text is null or variable.name > $4)
 order by variable.name
 limit $5
