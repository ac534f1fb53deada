-- Takes the right to add stretches to a run until the end of the transaction, if nobody else has it.
select pg_try_advisory_xact_lock(hashtextextended($1::text, 5))
