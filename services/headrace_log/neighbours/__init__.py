"""What the log service asks of others, and sends them."""
