-- Delete a provider; who came from it is not known by it any more.
with unknown as (
     delete from external_identity where provider = $1
)
delete from identity_provider
 where handle = $1
returning handle
