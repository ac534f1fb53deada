"""What happens without a caller, a file a loop."""
