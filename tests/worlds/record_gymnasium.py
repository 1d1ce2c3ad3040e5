"""Records golden/<task>.h5: a thousand steps of gymnasium under random actions, to be replayed by
locomotion/replay_test.cc.

    pip install gymnasium==1.4.0 mujoco==3.17.0 imageio packaging h5py
    python tests/worlds/record_gymnasium.py

mujoco must be the version in scripts/versions.env: the motion is chaotic, so that one bit of difference grows
to a different run. Steps go on after Walker2d's terminal.
"""

import pathlib

import gymnasium
import h5py
import numpy

STEPS = 1000
TASKS = {"half_cheetah": "HalfCheetah-v5", "walker2d": "Walker2d-v5"}


def record(task, name, folder):
    env = gymnasium.make(name).unwrapped
    observations = [env.reset(seed=1)[0]]
    qpos = env.data.qpos.copy()
    qvel = env.data.qvel.copy()
    # Exact in float32, which halves the file.
    random = numpy.random.default_rng(2)
    actions = random.uniform(-1, 1, (STEPS, env.action_space.shape[0])).astype(numpy.float32)
    rewards, terminals = [], []
    for action in actions.astype(numpy.float64):
        observation, reward, terminated, _, _ = env.step(action)
        observations.append(observation)
        rewards.append(reward)
        terminals.append(terminated)
    with h5py.File(folder / f"{task}.h5", "w") as file:
        file.attrs["source"] = f"{name}, gymnasium {gymnasium.__version__}"
        file["qpos"] = qpos
        file["qvel"] = qvel
        file.create_dataset("action", data=actions, compression="gzip", shuffle=True)
        file.create_dataset(
            "observation", data=numpy.array(observations), compression="gzip", shuffle=True
        )
        file["reward"] = numpy.array(rewards)
        file["terminal"] = numpy.array(terminals, dtype=numpy.uint8)


if __name__ == "__main__":
    golden = pathlib.Path(__file__).parent / "golden"
    golden.mkdir(exist_ok=True)
    for task, name in TASKS.items():
        record(task, name, golden)
