"""Other services, as the state service calls them."""
