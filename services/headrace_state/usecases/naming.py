"""Names for runs that got none: two words that people can say and remember."""

from __future__ import annotations

import random

_FIRST = (
    "amber", "apt", "arch", "bold", "brave", "bright", "brisk", "calm", "clear", "clever", "cosy", "crisp", "curious",
    "daring", "deft", "eager", "early", "fair", "fleet", "fond", "free", "fresh", "gentle", "glad", "golden", "grand",
    "green", "hardy", "hazel", "honest", "jolly", "keen", "kind", "lively", "loyal", "lucid", "lucky", "merry", "mild",
    "misty", "neat", "nimble", "noble", "patient", "plucky", "proud", "quick", "quiet", "rapid", "ready", "robust",
    "rosy", "sage", "sharp", "shy", "silent", "silver", "smooth", "snug", "solid", "spry", "steady", "stout", "sunny",
    "swift", "tidy", "upbeat", "vivid", "warm", "wise", "witty", "zesty",
)  # fmt: skip
_SECOND = (
    "alder", "badger", "beaver", "birch", "bobbin", "bridge", "brook", "canal", "cedar", "channel", "cog", "creek",
    "crane", "curlew", "dipper", "dove", "eddy", "elm", "ferry", "finch", "flume", "ford", "fox", "gear", "glen",
    "grain", "grebe", "hare", "harbour", "hawk", "heron", "hinge", "isle", "kestrel", "kiln", "lark", "lever", "loom",
    "lynx", "maple", "marsh", "meadow", "millpond", "millstone", "minnow", "moor", "oak", "osprey", "otter", "owl",
    "paddle", "perch", "pike", "pine", "quarry", "rapids", "reed", "ridge", "river", "robin", "rowan", "salmon",
    "sluice", "sparrow", "spindle", "spring", "stream", "swan", "thrush", "tide", "trout", "turbine", "valley", "wave",
    "weir", "wheel", "willow", "wren",
)  # fmt: skip


def run_name() -> str:
    """Return a name, e.g. `brisk-heron`; names are not unique."""
    return f"{random.choice(_FIRST)}-{random.choice(_SECOND)}"
