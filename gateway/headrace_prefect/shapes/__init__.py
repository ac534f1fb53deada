"""Messages of the contract as JSON of Prefect, a module for each kind of thing; pure."""
