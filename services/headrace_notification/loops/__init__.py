"""What the notification service does without a caller."""
