"""The public contract: generated code, and `descriptors.binpb` with everything that the contract says."""
