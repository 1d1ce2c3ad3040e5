"""The layout of a table's rows, and rows between numpy and the wire."""

import enum

import numpy as np

from estuary.v1 import transition_pb2

FLAG_TERMINAL = 1
FLAG_TRUNCATED = 2

_DTYPES = {
    transition_pb2.DTYPE_FLOAT32: np.dtype("<f4"),
    transition_pb2.DTYPE_UINT8: np.dtype("u1"),
    transition_pb2.DTYPE_UINT32: np.dtype("<u4"),
    transition_pb2.DTYPE_UINT64: np.dtype("<u8"),
}
_NAMES = {dtype: proto for proto, dtype in _DTYPES.items()}


class Source(enum.IntEnum):
    """Who chose an action."""

    DATASET = 1
    POLICY = 2
    RANDOM = 3
    OPERATOR = 4
    FALLBACK = 5


class Schema:
    """Named columns of fixed width, the same on both sides of every wire (transition.proto)."""

    def __init__(self, proto):
        self.proto = proto
        self.columns = [(column.name, _DTYPES[column.dtype], column.width) for column in proto.columns]

    @classmethod
    def standard(cls, task, observation_dim, action_dim, control_period_us):
        """The eight columns that every table begins with."""
        proto = transition_pb2.TransitionSchema(task=task, control_period_us=control_period_us)
        for name, dtype, width in (
            ("observation", "<f4", observation_dim),
            ("action", "<f4", action_dim),
            ("reward", "<f4", 1),
            ("next_observation", "<f4", observation_dim),
            ("flags", "u1", 1),
            ("source", "u1", 1),
            ("policy_version", "<u4", 1),
            ("episode", "<u4", 1),
        ):
            proto.columns.add(name=name, dtype=_NAMES[np.dtype(dtype)], width=width)
        return cls(proto)

    @classmethod
    def simulated(cls, task, observation_dim, action_dim, control_period_us, gap_edits):
        """Of table sim: the standard columns and, where the experiment's gap has edits, `gap`, a number for each."""
        schema = cls.standard(task, observation_dim, action_dim, control_period_us)
        if gap_edits == 0:
            return schema
        schema.proto.columns.add(name="gap", dtype=transition_pb2.DTYPE_FLOAT32, width=gap_edits)
        return cls(schema.proto)

    @property
    def task(self):
        return self.proto.task

    @property
    def observation_dim(self):
        return self.columns[0][2]

    @property
    def action_dim(self):
        return self.columns[1][2]

    def __eq__(self, other):
        return isinstance(other, Schema) and self.proto == other.proto

    def __str__(self):
        columns = ", ".join(f"{name} {dtype.name}[{width}]" for name, dtype, width in self.columns)
        return f"task '{self.task}', {self.proto.control_period_us} us: {columns}"

    def encode(self, rows):
        """Columns to a TransitionBlock. ValueError names a column that is missing, unknown or of another shape."""
        unknown = set(rows) - {name for name, _, _ in self.columns}
        if unknown:
            raise ValueError(f"the schema has no column {sorted(unknown)[0]!r}; it is {self}")
        count = None
        block = transition_pb2.TransitionBlock()
        for name, dtype, width in self.columns:
            if name not in rows:
                raise ValueError(f"column {name!r} is missing; the schema is {self}")
            values = np.ascontiguousarray(rows[name], dtype=dtype)
            if width == 1 and values.ndim == 1:
                values = values[:, None]
            if values.ndim != 2 or values.shape[1] != width:
                raise ValueError(f"column {name!r} must have the shape [rows, {width}], got {list(values.shape)}")
            if count is not None and values.shape[0] != count:
                raise ValueError(f"column {name!r} has {values.shape[0]} rows, the ones before it {count}")
            if dtype.kind == "f" and not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values).all(axis=1))[0, 0])
                raise ValueError(f"row {row} of column {name!r} is not finite: {values[row].tolist()}")
            count = values.shape[0]
            block.columns.append(values.tobytes())
        block.rows = count
        return block

    def decode(self, block):
        """A TransitionBlock to columns; those of width 1 come as one dimension."""
        rows = {}
        for (name, dtype, width), data in zip(self.columns, block.columns):
            values = np.frombuffer(data, dtype=dtype).reshape(block.rows, width)
            rows[name] = values[:, 0] if width == 1 and name not in ("observation", "action", "next_observation", "gap") else values
        return rows
