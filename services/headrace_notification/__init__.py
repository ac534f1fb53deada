"""Events, automations, deliveries.

Owns the tables `event` (partitioned by day), `automation`, `catalogue`, `bucket`, `delivery`, `cursor`, an outbox
of its own and its leases; serves `EventService` and `AutomationService`; runs the loops that follow the outboxes
of state and scheduler, evaluate triggers, watch their timers, make deliveries, and sweep.
"""
