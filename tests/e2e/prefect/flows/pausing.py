"""A flow that pauses until somebody says how to go on."""

from prefect import flow, pause_flow_run
from prefect.input import RunInput


class Approval(RunInput):
    approved: bool
    by: str = "nobody"


@flow(name="stock-approval")
def approval() -> str:
    answer = pause_flow_run(wait_for_input=Approval, timeout=120, poll_interval=1)
    return f"{answer.approved} by {answer.by}"


if __name__ == "__main__":
    print(approval())
