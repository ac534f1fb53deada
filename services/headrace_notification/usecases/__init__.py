"""What callers and loops can have done with events, automations and deliveries."""
