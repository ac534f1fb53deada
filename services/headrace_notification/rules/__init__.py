"""What holds for events, triggers and deliveries whatever stores or sends them."""
