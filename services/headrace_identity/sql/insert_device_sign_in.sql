-- A program waits to be signed in; those that are out of date go.
with gone as (
     delete from device_sign_in where expires_at < now()
)
insert into device_sign_in (user_code, device_hash, client_name, loopback_port, address, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
returning user_code
