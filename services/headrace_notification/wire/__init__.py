"""Between the wire and the service's own words; pure."""
