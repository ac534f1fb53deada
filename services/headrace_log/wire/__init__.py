"""What the log service says and hears, between the wire and its own words."""
