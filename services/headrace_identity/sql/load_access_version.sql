-- How often rights have changed.
select version
  from access_version
