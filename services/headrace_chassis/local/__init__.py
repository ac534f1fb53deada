"""Calls within the process: a server without a socket, and the channel to it.

To handlers, guards and stubs a call over it is like one over the network, with the same deadlines, statuses,
metadata, streams and drain; it only costs a fraction.
"""
