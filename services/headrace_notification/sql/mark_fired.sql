-- Stores when automations last fired.
update automation
   set last_fired_at = greatest(automation.last_fired_at, fired.at)
  from unnest($1::uuid[], $2::timestamptz[]) as fired (automation_id, at)
 where automation.automation_id = fired.automation_id
