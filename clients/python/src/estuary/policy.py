"""Policy versions as numbers, and a learner that sends them."""

import hashlib
import threading

import grpc
import numpy as np

from estuary.channel import backoff, make_channel
from estuary.v1 import learner_pb2, learner_pb2_grpc, policy_pb2

# The sender's arithmetic against ours, at the version's test observation.
_TOLERANCE = 1e-4


class Policy:
    """The tanh-Gaussian policy of policy.proto. ValueError where a version is not what it must be."""

    def __init__(self, version):
        self.version = version.version
        self.run_id = version.run_id
        self.task = version.task
        self.observation_dim = version.observation_dim
        self.action_dim = version.action_dim
        _check_hash(version)
        self._mean = _floats(version.observation_mean, (self.observation_dim,), "observation_mean")
        self._scale = _floats(version.observation_scale, (self.observation_dim,), "observation_scale")
        self._layers = []
        inputs = self.observation_dim
        for i, layer in enumerate(version.layers):
            if layer.inputs != inputs:
                raise ValueError(f"layer {i} takes {layer.inputs} numbers, the one before it gives {inputs}")
            weight = _floats(layer.weight, (layer.outputs, layer.inputs), f"layer {i}'s weight")
            self._layers.append((weight.T, _floats(layer.bias, (layer.outputs,), f"layer {i}'s bias")))
            inputs = layer.outputs
        if inputs != 2 * self.action_dim:
            raise ValueError(f"the last layer gives {inputs} numbers; {2 * self.action_dim} make {self.action_dim} actions")
        self._log_std = (
            version.log_std_multiplier,
            version.log_std_offset,
            version.log_std_min,
            version.log_std_max,
        )
        test = np.asarray(version.test_observation, np.float32)[None]
        error = float(np.abs(self.act(test)[0] - np.asarray(version.test_action, np.float32)).max())
        if not error <= _TOLERANCE:
            raise ValueError(f"version {self.version} acts {error:.2g} away from its own test vector; at most {_TOLERANCE}")

    def _outputs(self, observations):
        x = np.asarray(observations, np.float32)
        if x.ndim != 2 or x.shape[1] != self.observation_dim:
            raise ValueError(f"observations must have the shape [rows, {self.observation_dim}], got {list(x.shape)}")
        x = (x - self._mean) * self._scale
        for i, (weight, bias) in enumerate(self._layers):
            x = x @ weight + bias
            if i + 1 < len(self._layers):
                x = np.maximum(x, 0)
        return x[:, : self.action_dim], x[:, self.action_dim :]

    def act(self, observations, noise=None):
        """Actions [rows, act] in [-1, 1]: of the mean, or with standard normal `noise` [rows, act]."""
        mean, raw = self._outputs(observations)
        if noise is None:
            return np.tanh(mean)
        multiplier, offset, low, high = self._log_std
        log_std = np.clip(multiplier * raw + offset, low, high)
        return np.tanh(mean + np.exp(log_std) * np.asarray(noise, np.float32))


def read_policy(path):
    """A file final_policy.pb."""
    version = policy_pb2.PolicyVersion()
    with open(path, "rb") as file:
        version.ParseFromString(file.read())
    return Policy(version)


class PolicySubscriber:
    """Receives a learner's policy versions in the background, the newest only, for as long as it lives.

    A learner that goes away is waited for with growing pauses; `away` says whether it is.
    """

    def __init__(self, learner, name, tls=None):
        self.learner = learner
        self.final = False
        self.steps_limit = 0
        self.away = True
        # Versions that were not what they must be, and why the newest of them was not.
        self.refused = 0
        self.refusal = ""
        self._policy = None
        self._exploration = None
        self._received = 0
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._channel = make_channel(learner, tls)
        self._stub = learner_pb2_grpc.LearnerStub(self._channel)
        self._call = None
        self._thread = threading.Thread(target=self._run, args=(name,), daemon=True)
        self._thread.start()

    def experiment(self, timeout=10.0):
        """The effective experiment and the run's id. grpc.RpcError where the learner does not answer."""
        response = self._stub.GetExperiment(learner_pb2.GetExperimentRequest(), timeout=timeout, wait_for_ready=True)
        return response.experiment, response.run_id

    def newest(self, exploration=False):
        """The newest policy (or what simulators explore with); None before the first."""
        with self._changed:
            return self._exploration if exploration and self._exploration is not None else self._policy

    def wait(self, timeout=None):
        """Waits for the first update, then returns the newest policy. TimeoutError names the learner."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._received > 0, timeout):
                raise TimeoutError(f"the learner at {self.learner} sent no policy within {timeout} s; is it running?")
            return self._policy

    def _run(self, name):
        waits = backoff()
        while not self._closed.is_set():
            try:
                self._call = self._stub.Subscribe(learner_pb2.SubscribeRequest(subscriber=name))
                for update in self._call:
                    waits = backoff()
                    self._take(update)
            except grpc.RpcError:
                pass
            self.away = True
            self._closed.wait(next(waits))

    def _take(self, update):
        policy, exploration = None, None
        try:
            if update.HasField("policy"):
                policy = Policy(update.policy)
            if update.HasField("exploration_policy"):
                exploration = Policy(update.exploration_policy)
        except ValueError as error:
            self.refused += 1
            self.refusal = str(error)
            return
        with self._changed:
            if policy is not None:
                self._policy, self._exploration = policy, exploration
            self.steps_limit = update.environment_steps_limit
            self.final = update.final
            self.away = False
            self._received += 1
            self._changed.notify_all()

    def close(self):
        self._closed.set()
        if self._call is not None:
            self._call.cancel()
        self._channel.close()
        self._thread.join(timeout=5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _floats(data, shape, what):
    values = np.frombuffer(data, "<f4")
    if values.size != int(np.prod(shape)):
        raise ValueError(f"{what} has {values.size} numbers, expected {int(np.prod(shape))}")
    if not np.isfinite(values).all():
        raise ValueError(f"{what} has a number that is not finite")
    return values.reshape(shape)


def _check_hash(version):
    unsealed = policy_pb2.PolicyVersion()
    unsealed.CopyFrom(version)
    unsealed.sha256 = ""
    found = hashlib.sha256(unsealed.SerializeToString(deterministic=True)).hexdigest()
    if found != version.sha256:
        raise ValueError(f"version {version.version} is damaged: its SHA-256 is {found}, it says {version.sha256}")
