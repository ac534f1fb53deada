"""What storage offers to the use cases, in words of the domain, by what it is about."""
