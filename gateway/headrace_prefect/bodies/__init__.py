"""What requests carry: tables of fields, and what is wrong with a body."""
