-- Creates an asset, or fills in what is known of it now.
insert into asset as stored (workspace_id, asset_id, key, name, description, url, owners)
values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (asset_id) do update
   set name = case when excluded.name <> '' then excluded.name else stored.name end,
       description = case when excluded.description <> '' then excluded.description else stored.description end,
       url = case when excluded.url <> '' then excluded.url else stored.url end,
       owners = case when excluded.owners <> '{}' then excluded.owners else stored.owners end,
       updated_at = now()
 where (excluded.name <> '' and excluded.name <> stored.name)
    or (excluded.description <> '' and excluded.description <> stored.description)
    or (excluded.url <> '' and excluded.url <> stored.url)
    or (excluded.owners <> '{}' and excluded.owners <> stored.owners)
