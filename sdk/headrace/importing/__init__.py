"""Takes over what stands on another orchestrator: its objects, and the history of its runs.

`source` reads a live Prefect 3 server over its REST API, `mapping` turns what it answers into messages of the contract
without any input or output, `catalogue` and `history` store these through the public API, `progress` keeps on disk how
far an import has come, and `report` what could not be carried over and why.
"""
