"""What tests of every kind build on."""
