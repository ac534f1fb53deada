"""`/scim/v2/`: users and groups, kept by the directory of a company (SCIM 2.0, RFC 7643 and 7644).

The gateway has no rights of its own here, either: each request is turned into calls with the credentials that came
with it. Users are users of the account, groups are teams.
"""
