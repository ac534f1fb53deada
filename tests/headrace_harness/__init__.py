"""What tests of every kind build on."""

import os

# Tests start processes while gRPC runs; its fork handlers would crash the child before it executes anything.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
