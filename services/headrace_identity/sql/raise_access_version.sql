-- Rights have changed.
update access_version
   set version = version + 1
