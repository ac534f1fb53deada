"""Other services, as the scheduler calls them."""
