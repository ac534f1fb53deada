"""What Headrace's own services say to each other: generated code."""
