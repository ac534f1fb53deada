from headrace import flow, get_run_logger, task


@task(retries=2, retry_delay_seconds=1)
def count_words(line: str) -> int:
    return len(line.split())


@flow(log_prints=True)
def count(text: str = "the mill race\nruns on") -> int:
    futures = count_words.map(text.splitlines())
    total = sum(future.result() for future in futures)
    get_run_logger().info("%d lines", len(futures))
    print(f"{total} words")
    return total


if __name__ == "__main__":
    count()
