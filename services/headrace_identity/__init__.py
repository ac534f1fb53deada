"""Who there is: accounts and the workspaces in them.

Owns the tables `account`, `workspace` and `installation`, serves `WorkspaceService` and, to the other services,
`IdentityInternalService`. It has no loops.
"""
