-- The id that was made with the database.
select installation_id
  from installation
