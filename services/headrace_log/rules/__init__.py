"""What holds for log records whatever stores or sends them."""
