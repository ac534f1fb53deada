"""Who there is, what they may do, and what they did.

Owns the schema `identity`: `installation`, `account`, `workspace`, `principal` (users, service accounts), `password`,
`external_identity`, `team`, `team_member`, `role`, `role_assignment`, `api_key`, `session`, `sign_in_try`,
`device_sign_in`, `identity_provider`, `invitation`, `setup_token`, `signing_key`, `access_version` (what tells
processes that rights have changed) and the audit log: `audit_pending` and `audit_entry`. Serves `WorkspaceService`,
`UserService`, `TeamService`, `RoleService`, `ServiceAccountService`, `ApiKeyService`, `InvitationService`,
`SignInService`, `IdentityProviderService`, `AuditService` and, to the other services, `IdentityInternalService` and
`AuditInternalService`. It has no loops.
"""
