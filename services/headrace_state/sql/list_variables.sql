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
   and (cardinality($3::text[]) = 0 or variable.name = any ($3::text[]))
   and variable.tags @> $4::text[]
   and (cardinality($5::text[]) = 0 or variable.tags && $5::text[])
   and ($6::text is null or variable.name > $6)
   and (cardinality($7::uuid[]) = 0 or variable.variable_id = any ($7::uuid[]))
 order by variable.name
 limit $8
