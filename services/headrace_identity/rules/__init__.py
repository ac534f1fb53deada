"""What holds for accounts and workspaces: functions over facts."""
