"""The composition root: every service in one process, or one of them alone."""
