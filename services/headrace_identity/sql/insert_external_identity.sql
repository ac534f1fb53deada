-- A provider knows a user as a subject.
insert into external_identity (provider, subject, principal_id, last_sign_in_at)
values ($1, $2, $3, now())
on conflict (provider, subject) do nothing
