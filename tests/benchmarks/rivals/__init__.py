"""Scripts that are run in a rival's own environment, beside ours."""
