"""Generated from protos/headrace/api/v1: do not edit."""
