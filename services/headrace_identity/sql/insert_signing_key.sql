-- A key to sign tokens with.
insert into signing_key (key_id, public_key, private_key)
values ($1, $2, $3)
