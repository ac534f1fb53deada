"""What happened, what is to be done about it, and whom to tell.

Owns the schema `notification`: `event` (partitioned by day), `held_event` (those whose cause has not come yet),
`automation`, `catalogue` (what triggers look for), `bucket`, `delivery`, `channel`, `channel_delivery`,
`channel_delivery_try`, `webhook`, `webhook_call`, `cursor`, `outbox`; serves `EventService`, `AutomationService`,
`NotificationPolicyService`, `WebhookService`, `ChannelService` and `ChannelDeliveryService`; runs the loops that
follow the outboxes of other services, evaluate triggers, watch their timers, measure figures, make deliveries, tell
channels, and sweep.
"""
