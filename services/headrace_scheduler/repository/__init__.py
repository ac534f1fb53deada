"""What the use cases need of storage, of the state service and of signals: Protocols in words of the domain."""
