"""Rows into and out of the replay's tables."""

import collections
import hashlib
import queue
import threading
import time

import grpc
import numpy as np

from estuary.channel import backoff, make_channel
from estuary.v1 import replay_pb2, replay_pb2_grpc

# Rows in one message.
_BLOCK_ROWS = 512
# What a further try cannot heal.
_FATAL = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.UNIMPLEMENTED,
}


class ReplayError(RuntimeError):
    """What a replay shard refused, with its address and its words."""


def _shard_list(shards):
    addresses = [part.strip() for part in shards.split(",")] if isinstance(shards, str) else list(shards)
    if not addresses or not all(addresses):
        raise ValueError(f"the shard map {shards!r} has no address, or an empty one; write ADDRESS,ADDRESS")
    return addresses


def _refusal(address, error):
    return ReplayError(f"replay shard at {address}: {error.code().name}: {error.details()}")


class Writer:
    """Appends one writer's rows to one table, each exactly once, across lost connections and server restarts.

    `writer_id` names the sequence for ever: a process that is started again with it goes on. Rows wait in a bounded
    buffer until they are acknowledged; append() waits while it is full, which is how the server's samples-per-insert
    limiter holds a writer back. With `replaceable` (simulated rows) the writer moves to another shard when its own is
    away for `move_after` seconds, and rows that died with a shard are counted in `lost`; without, it waits.
    Thread-safe.
    """

    def __init__(self, shards, table, writer_id, schema, *, tls=None, replaceable=True, bulk=False, buffer_rows=8192,
                 move_after=3.0):
        self.schema = schema
        self.lost = 0
        self.connected = False
        addresses = _shard_list(shards)
        # Rendezvous hashing: the order in which this writer tries the shards.
        self._order = sorted(
            addresses, key=lambda address: hashlib.sha256(f"{writer_id}\0{address}".encode()).digest()
        )
        self._hello = replay_pb2.AppendHello(table=table, writer_id=writer_id, schema=schema.proto, bulk=bulk)
        self._tls = tls
        self._replaceable = replaceable
        self._buffer_rows = buffer_rows
        self._move_after = move_after
        self._changed = threading.Condition()
        # (number of the first row, block), not acknowledged, in the writer's own numbering from 0.
        self._blocks = collections.deque()
        self._appended = 0
        self._acknowledged = 0
        # Server's number minus ours, and the shard that it holds for.
        self._offset = None
        self._offset_of = None
        self._error = None
        self._closed = False
        self._call = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def append(self, rows, timeout=None):
        """Takes rows in columns. TimeoutError where the buffer stays full; ReplayError where the table refused."""
        block = self.schema.encode(rows)
        if block.rows > _BLOCK_ROWS:
            for first in range(0, block.rows, _BLOCK_ROWS):
                self.append({name: values[first : first + _BLOCK_ROWS] for name, values in rows.items()}, timeout)
            return
        if block.rows == 0:
            return
        with self._changed:
            room = lambda: self._failed() or self._appended - self._acknowledged + block.rows <= self._buffer_rows
            if not self._changed.wait_for(room, timeout):
                raise TimeoutError(
                    f"{self._appended - self._acknowledged} rows wait for {self._order[0]} and no more were taken "
                    f"within {timeout} s: is it running, does its limiter wait for samples?"
                )
            self._raise()
            self._blocks.append((self._appended, block))
            self._appended += block.rows
            self._changed.notify_all()

    def flush(self, timeout=None):
        """Waits until everything appended so far is stored."""
        with self._changed:
            goal = self._appended
            if not self._changed.wait_for(lambda: self._failed() or self._acknowledged >= goal, timeout):
                raise TimeoutError(f"{goal - self._acknowledged} rows were not acknowledged within {timeout} s")
            self._raise()

    @property
    def unacknowledged(self):
        with self._changed:
            return self._appended - self._acknowledged

    def close(self):
        """Ends at once; call flush() first."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            if self._call is not None:
                self._call.cancel()
        self._thread.join(timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.flush()
        self.close()

    def _failed(self):
        return self._error is not None or self._closed

    def _raise(self):
        if self._error is not None:
            raise self._error
        if self._closed:
            raise ReplayError("the writer is closed")

    def _run(self):
        waits, shard, away_since = backoff(), 0, time.monotonic()
        while not self._closed and self._error is None:
            address = self._order[shard]
            try:
                self._write_to(address)
            except grpc.RpcError as error:
                if error.code() in _FATAL:
                    self._stop(_refusal(address, error))
                    return
            except ReplayError as error:
                self._stop(error)
                return
            if self.connected:
                waits, away_since, self.connected = backoff(), time.monotonic(), False
            elif self._replaceable and time.monotonic() - away_since > self._move_after:
                shard = (shard + 1) % len(self._order)
                away_since = time.monotonic()
            with self._changed:
                self._changed.wait_for(lambda: self._closed, next(waits))

    def _stop(self, error):
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _write_to(self, address):
        with make_channel(address, self._tls) as channel:
            session = _Session()
            call = replay_pb2_grpc.ReplayStub(channel).Append(self._requests(session))
            with self._changed:
                self._call = call
            try:
                for response in call:
                    if response.WhichOneof("kind") == "welcome":
                        self._welcome(address, response.welcome.next_sequence, session)
                    else:
                        self._acknowledge(response.ack.next_sequence)
            finally:
                with self._changed:
                    session.over = True
                    self._call = None
                    self._changed.notify_all()

    def _requests(self, session):
        yield replay_pb2.AppendRequest(hello=self._hello)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: session.over or self._closed or self._unsent(session) is not None)
                if session.over or self._closed:
                    return
                first, block = self._unsent(session)
                session.sent = first + block.rows
                request = replay_pb2.AppendRequest(
                    block=replay_pb2.AppendBlock(first_sequence=first + self._offset, block=block)
                )
            yield request

    def _unsent(self, session):
        if session.sent is None:
            return None
        return next((entry for entry in self._blocks if entry[0] >= session.sent), None)

    def _welcome(self, address, next_sequence, session):
        with self._changed:
            if self._offset is None or self._offset_of != address:
                self._offset = next_sequence - self._acknowledged
                self._offset_of = address
            held = next_sequence - self._offset
            if held > self._appended:
                raise ReplayError(
                    f"replay shard at {address} holds {held - self._appended} rows of writer "
                    f"'{self._hello.writer_id}' that this process never wrote: is another one using the same id?"
                )
            if held < self._acknowledged:
                if not self._replaceable:
                    raise ReplayError(
                        f"replay shard at {address} came back with {self._acknowledged - held} rows fewer than it "
                        f"had acknowledged to writer '{self._hello.writer_id}'"
                    )
                self.lost += self._acknowledged - held
                self._offset = next_sequence - self._acknowledged
            self.connected = True
            # A block that is held in part is sent again whole: the server drops what it knows.
            session.sent = self._blocks[0][0] if self._blocks else self._appended
            self._changed.notify_all()

    def _acknowledge(self, next_sequence):
        with self._changed:
            self._acknowledged = max(self._acknowledged, next_sequence - self._offset)
            while self._blocks and self._blocks[0][0] + self._blocks[0][1].rows <= self._acknowledged:
                self._blocks.popleft()
            self._changed.notify_all()


class _Session:
    """One stream: up to which row it has sent; None before the welcome."""

    def __init__(self):
        self.sent = None
        self.over = False


class Sampler:
    """Batches drawn by the servers, rows of several shards in proportion to what each holds.

    For those who do not hold the data themselves. Not thread-safe. Rows come with "cursor" and "shard".
    """

    def __init__(self, shards, table, schema, *, batch_size=256, seed=None, tls=None, timeout=10.0):
        self.schema = schema
        self._batch_size = batch_size
        self._random = np.random.default_rng(seed)
        self._streams = []
        for i, address in enumerate(_shard_list(shards)):
            stream_seed = 0 if seed is None else int(np.random.SeedSequence([seed, i]).generate_state(1, np.uint64)[0])
            hello = replay_pb2.SampleHello(table=table, schema=schema.proto, batch_size=batch_size, seed=stream_seed)
            self._streams.append(_SampleStream(address, hello, schema, tls, timeout))

    def batch(self):
        """A batch in columns. TimeoutError where a shard sends nothing, ReplayError where it refused."""
        weights = np.array([stream.weight() for stream in self._streams])
        counts = self._random.multinomial(self._batch_size, weights / weights.sum())
        parts = []
        for shard, (stream, count) in enumerate(zip(self._streams, counts)):
            for part in stream.take(int(count)):
                part["shard"] = np.full(len(part["cursor"]), shard)
                parts.append(part)
        rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = self._random.permutation(self._batch_size)
        return {name: values[order] for name, values in rows.items()}

    def close(self):
        for stream in self._streams:
            stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _SampleStream:
    """One shard's rows, a few batches ahead."""

    _AHEAD = 2

    def __init__(self, address, hello, schema, tls, timeout):
        self._address = address
        self._schema = schema
        self._timeout = timeout
        self._credits = queue.SimpleQueue()
        self._arrived = queue.SimpleQueue()
        self._rest = collections.deque()
        self._weight = None
        self._channel = make_channel(address, tls)
        self._credits.put(replay_pb2.SampleRequest(hello=hello, credits=self._AHEAD))
        self._call = replay_pb2_grpc.ReplayStub(self._channel).Sample(iter(self._credits.get, None))
        self._batch_size = hello.batch_size
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        try:
            for response in self._call:
                self._arrived.put(response)
            self._arrived.put(ReplayError(f"replay shard at {self._address} ended the stream"))
        except grpc.RpcError as error:
            self._arrived.put(_refusal(self._address, error))

    def weight(self):
        if self._weight is None:
            self._fill()
        return self._weight

    def take(self, count):
        while count > 0:
            if not self._rest:
                self._fill()
            rows = self._rest.popleft()
            have = len(rows["cursor"])
            if have > count:
                self._rest.appendleft({name: values[count:] for name, values in rows.items()})
                rows = {name: values[:count] for name, values in rows.items()}
            count -= min(have, count)
            yield dict(rows)

    def _fill(self):
        try:
            response = self._arrived.get(timeout=self._timeout)
        except queue.Empty:
            raise TimeoutError(
                f"replay shard at {self._address} sent no batch within {self._timeout} s: is its table empty?"
            ) from None
        if isinstance(response, ReplayError):
            self._arrived.put(response)
            raise response
        rows = self._schema.decode(response.block)
        rows["cursor"] = np.array(response.cursor, np.uint64)
        self._rest.append(rows)
        self._weight = response.weight or response.table_rows
        self._credits.put(replay_pb2.SampleRequest(credits=max(1, response.block.rows // self._batch_size)))

    def close(self):
        self._credits.put(None)
        self._call.cancel()
        self._channel.close()
