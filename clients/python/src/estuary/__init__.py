"""Estuary from Python: transitions in and out of the replay, and policies to act with.

    from estuary import Schema, Writer, Sampler, PolicySubscriber

Rows are numpy arrays in columns: {"observation": [n, obs], "action": [n, act], "reward": [n], ...}.
`estuary.gym_actor` makes any Gymnasium environment an actor of a cluster.
"""

from estuary.policy import Policy, PolicySubscriber, read_policy
from estuary.replay import ReplayError, Sampler, Writer
from estuary.schema import FLAG_TERMINAL, FLAG_TRUNCATED, Schema, Source

__all__ = [
    "FLAG_TERMINAL",
    "FLAG_TRUNCATED",
    "Policy",
    "PolicySubscriber",
    "ReplayError",
    "Sampler",
    "Schema",
    "Source",
    "Writer",
    "read_policy",
]
