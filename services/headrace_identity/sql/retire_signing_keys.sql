-- Keys that a newer one has replaced long enough for every token to have ended.
update signing_key
   set retired_at = now(),
       private_key = ''
 where retired_at is null
   and exists (
           select
             from signing_key as newer
            where newer.created_at > signing_key.created_at
              and newer.created_at < now() - make_interval(secs => $1)
       )
