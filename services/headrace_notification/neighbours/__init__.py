"""Everybody outside: the other services of Headrace, and the receivers of webhooks."""
