-- Creates a type of blocks, or changes the one with its slug.
insert into block_type as stored (
       block_type_id,
       workspace_id,
       slug,
       name,
       description,
       logo_url,
       documentation_url,
       code_example,
       block_schema_id
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (workspace_id, slug) do update
   set name = excluded.name,
       description = excluded.description,
       logo_url = excluded.logo_url,
       documentation_url = excluded.documentation_url,
       code_example = excluded.code_example,
       updated_at = now()
returning stored.block_type_id
