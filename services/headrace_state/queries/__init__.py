"""The statements, and how rows become facts."""
