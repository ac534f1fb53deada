"""Between messages of the contract and the scheduler's own facts."""
