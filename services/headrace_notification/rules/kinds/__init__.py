"""The kinds of channels: what each is configured with, and how it wants to be told. A module for each."""
