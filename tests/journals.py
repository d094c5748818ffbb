"""What tests of journals write them for."""

from __future__ import annotations

SETTINGS = {
    "seed": 3,
    "size": 1,
    "ratio": 0.5,
    "mixing": "replace",
    "num_replicas": 1,
    "rank": 0,
    "shuffle": True,
}
