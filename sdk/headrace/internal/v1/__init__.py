"""Generated from protos/headrace/internal/v1: do not edit."""
