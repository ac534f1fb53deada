"""Others that vouch for people and machines, in the words of this service."""
