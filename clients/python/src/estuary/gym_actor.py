"""Makes a Gymnasium environment an actor of a cluster: for simulators that only speak Python.

    estuary-gym-actor --env=HalfCheetah-v5 --task=half_cheetah --learner=ADDRESS --replay=ADDRESS,ADDRESS

Its transitions go to table `sim`, its actions come from the learner's newest policy, and the experiment's ratio of
simulator to gradient steps holds it back as it does every actor. Actions on the wire are in [-1, 1]; they are
stretched to the environment's bounds. Observations go as they are.
"""

import argparse
import sys
import time

import numpy as np

from estuary.policy import PolicySubscriber
from estuary.replay import Writer
from estuary.schema import FLAG_TERMINAL, FLAG_TRUNCATED, Schema, Source


class GymActor:
    """Steps one environment. `period` is its control period in seconds, which is part of the table's schema.

    The environment is what it is: the experiment's gap is not applied to it. Where the experiment has one, the rows'
    label is `gap`, a number for each of its edits, which may be set anew before each episode; zeros at first.
    """

    def __init__(self, env, task, period, learner, replay, *, index=0, tls=None, block_rows=64, block_seconds=0.2):
        self.env = env
        self.steps = 0
        self.episodes = 0
        self.returns = []
        self._index = index
        self._block_rows = block_rows
        self._block_seconds = block_seconds
        low, high = env.action_space.low.ravel(), env.action_space.high.ravel()
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise ValueError(f"the environment's actions must be bounded, they are in {env.action_space}")
        self._middle, self._half = (low + high) / 2, (high - low) / 2
        observation_dim = int(np.prod(env.observation_space.shape))
        self.policies = PolicySubscriber(learner, f"gym-actor-{index}", tls)
        self.experiment, run_id = self.policies.experiment(timeout=60)
        if self.experiment.task != task:
            self.policies.close()
            raise ValueError(f"the learner's task is '{self.experiment.task}', this actor's '{task}'")
        if self.experiment.deterministic:
            self.policies.close()
            raise ValueError("the experiment is deterministic: lockstep needs estuary-actor; set deterministic: false")
        self.gap = np.zeros(len(self.experiment.gap.edits), np.float32)
        self.schema = Schema.simulated(task, observation_dim, low.size, round(period * 1e6), self.gap.size)
        actors = max(1, self.experiment.cluster.actors)
        self._random_steps = self.experiment.exploration.random_steps // actors
        self._correlation = self.experiment.exploration.noise_correlation
        self._random = np.random.default_rng([self.experiment.seed, index])
        epoch = self.experiment.budget.environment_steps_per_epoch // actors
        self.writer = Writer(
            replay, "sim", f"{run_id}/gym-actor-{index}", self.schema, tls=tls, buffer_rows=int(np.clip(epoch, 64, 8192))
        )

    def run(self, max_steps=None, stop=lambda: False):
        """Until the learner's final policy, `max_steps`, or `stop()`."""
        self.policies.wait(timeout=60)
        observation = self._reset()
        rows, begun = [], time.monotonic()
        while not (self.policies.final or stop()) and (max_steps is None or self.steps < max_steps):
            action, version, source = self._act(observation)
            following, reward, terminated, truncated, _ = self.env.step(
                np.reshape(self._middle + self._half * action, self.env.action_space.shape)
            )
            following = np.ravel(following).astype(np.float32)
            flags = (FLAG_TERMINAL if terminated else 0) | (FLAG_TRUNCATED if truncated and not terminated else 0)
            rows.append((observation, action, reward, following, flags, source, version, self.episodes, self.gap.copy()))
            self.steps += 1
            self._return += float(reward)
            if terminated or truncated:
                self.returns.append(self._return)
                self.episodes += 1
                observation = self._reset()
            else:
                observation = following
            if len(rows) >= self._block_rows or time.monotonic() - begun > self._block_seconds:
                self._hand_over(rows, stop)
                rows, begun = [], time.monotonic()
        if rows:
            self._hand_over(rows, stop)
        if not self.policies.final:
            self.writer.flush(timeout=30)

    def close(self):
        self.policies.close()
        self.writer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _reset(self):
        observation, _ = self.env.reset(seed=int(self._random.integers(2**31)))
        self._return = 0.0
        self._noise = None
        return np.ravel(observation).astype(np.float32)

    def _act(self, observation):
        policy = self.policies.newest(exploration=True)
        if policy is None or self.steps < self._random_steps:
            return self._random.uniform(-1, 1, self.schema.action_dim).astype(np.float32), 0, Source.RANDOM
        fresh = self._random.standard_normal(self.schema.action_dim)
        if self._noise is None:
            self._noise = fresh
        else:
            self._noise = self._correlation * self._noise + np.sqrt(1 - self._correlation**2) * fresh
        return policy.act(observation[None], self._noise[None])[0].astype(np.float32), policy.version, Source.POLICY

    def _hand_over(self, rows, stop):
        block = {name: np.array(values) for (name, _, _), values in zip(self.schema.columns, zip(*rows))}
        while not (self.policies.final or stop()):
            try:
                return self.writer.append(block, timeout=0.5)
            except TimeoutError:
                continue


def main(arguments=None):
    import gymnasium

    parser = argparse.ArgumentParser(prog="estuary-gym-actor", description="A Gymnasium environment as an actor")
    parser.add_argument("--env", required=True, help="the environment's id, HalfCheetah-v5")
    parser.add_argument("--task", required=True, help="the experiment's task, half_cheetah")
    parser.add_argument("--period", type=float, help="control period in seconds (default: the environment's dt)")
    parser.add_argument("--learner", required=True, help="ADDRESS")
    parser.add_argument("--replay", required=True, help="ADDRESS,ADDRESS: the shards, in the order all others name them")
    parser.add_argument("--index", type=int, default=0, help="which actor this is; each needs its own")
    parser.add_argument("--tls", help="folder with ca.pem, cert.pem, key.pem")
    parser.add_argument("--max_steps", type=int, help="(default: until the learner has ended)")
    given = parser.parse_args(arguments)
    env = gymnasium.make(given.env)
    period = given.period if given.period is not None else getattr(env.unwrapped, "dt", None)
    if period is None:
        parser.error(f"{given.env} has no dt; give --period")
    try:
        with GymActor(env, given.task, period, given.learner, given.replay, index=given.index, tls=given.tls) as actor:
            if actor.gap.size:
                print(f"estuary-gym-actor: the experiment's gap ({actor.gap.size} edits) is not applied to {given.env}: it "
                      "must be the wrong simulator itself", file=sys.stderr)
            actor.run(given.max_steps)
            print(f"{actor.steps} steps, {len(actor.returns)} episodes, last return "
                  f"{actor.returns[-1] if actor.returns else float('nan'):.1f}")
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        print(f"estuary-gym-actor: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
