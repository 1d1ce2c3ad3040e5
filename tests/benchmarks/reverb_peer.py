"""The peer of replay_benchmark: dm-reverb, a server and a client in two processes, at its best settings: HalfCheetah
transitions packed in one float32 tensor, TrajectoryWriter, uniform sampler, one sampling worker.

    reverb_peer.py

Needs a Python with dm-reverb 0.14.0 and TensorFlow 2.15.1 (pip install dm-reverb==0.14.0 tensorflow==2.15.1 'numpy<2').
Speaks one line at a time: "ready" at first, then for every line "CASE SECONDS" on its input it runs the case for so long
and answers "ROWS ELAPSED". Cases:
    append_single   items of one transition, inserted one by one
    append_chunked  items of 256 transitions
    sample          batches of 256 independent transitions
"""

import os
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import reverb
import tensorflow as tf

#s, a, r, s', and the flags.
WIDTH = 17 + 6 + 1 + 17 + 1
ROWS = 100_000
CHUNK = 256
BATCH = 256


def serve():
    def table(name, signature):
        return reverb.Table(
            name=name, sampler=reverb.selectors.Uniform(), remover=reverb.selectors.Fifo(), max_size=ROWS,
            rate_limiter=reverb.rate_limiters.MinSize(1), signature=signature)

    row = {"row": tf.TensorSpec([1, WIDTH], tf.float32)}
    rows = {"row": tf.TensorSpec([CHUNK, WIDTH], tf.float32)}
    server = reverb.Server([table("append_single", row), table("append_chunked", rows), table("sample", row)])
    print(server.port, flush=True)
    sys.stdin.read()
#Its threads would otherwise be waited for.
    os._exit(0)


def transitions(count):
    return np.random.default_rng(1).standard_normal((count, WIDTH)).astype(np.float32)


def append(client, table, chunk, seconds=None, rows=None):
    """Appends items of `chunk` steps until the time is over or so many rows are in; all are confirmed at the end."""
    data = transitions(4096)
    done = 0
    start = time.monotonic()
    with client.trajectory_writer(num_keep_alive_refs=chunk) as writer:
#A chunk of many steps would be sent again with every item of one step.
        writer.configure(("row",), num_keep_alive_refs=chunk, max_chunk_length=chunk)
        while True:
            for _ in range(max(1, 512 // chunk)):
                for _ in range(chunk):
                    writer.append({"row": data[done % len(data)]})
                    done += 1
                writer.create_item(table, priority=1.0, trajectory={"row": writer.history["row"][-chunk:]})
#Keeps what is under way bounded without waiting for each item.
            writer.flush(block_until_num_items=256)
            if (seconds is not None and time.monotonic() - start >= seconds) or (rows is not None and done >= rows):
                break
        writer.flush()
    return done, time.monotonic() - start


class Sampler:
    def __init__(self, address):
        dataset = reverb.TrajectoryDataset(
            server_address=address, table="sample", dtypes={"row": tf.float32},
            shapes={"row": tf.TensorShape([1, WIDTH])}, max_in_flight_samples_per_worker=512,
            num_workers_per_iterator=1)
        self.batches = iter(dataset.batch(BATCH, drop_remainder=True).prefetch(2))
        next(self.batches)

    def run(self, seconds):
        rows = 0
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            next(self.batches)
            rows += BATCH
        return rows, time.monotonic() - start


def main():
    if sys.argv[1:] == ["--serve"]:
        serve()
        return
    server = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        address = f"localhost:{int(server.stdout.readline())}"
        client = reverb.Client(address)
        append(client, "sample", 1, rows=20_000)
        sampler = Sampler(address)
        print("ready", flush=True)
        for line in sys.stdin:
            case, seconds = line.split()
            if case == "append_single":
                rows, elapsed = append(client, case, 1, seconds=float(seconds))
            elif case == "append_chunked":
                rows, elapsed = append(client, case, CHUNK, seconds=float(seconds))
            elif case == "sample":
                rows, elapsed = sampler.run(float(seconds))
            else:
                raise SystemExit(f"no case '{case}'")
            print(rows, elapsed, flush=True)
    finally:
        server.stdin.close()
        server.wait(10)


if __name__ == "__main__":
    main()
