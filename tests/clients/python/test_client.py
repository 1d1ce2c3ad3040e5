"""The Python client against real servers: what goes in comes out, once, whatever fails."""

import pathlib
import tempfile
import unittest

import numpy as np

import estuary
from cluster import Cluster, eventually
from estuary.gym_actor import GymActor

SCHEMA = estuary.Schema.standard("half_cheetah", 17, 6, 50_000)


def rows(first, count):
    """Rows that say which they are."""
    number = np.arange(first, first + count)
    return {
        "observation": np.repeat(number[:, None], 17, 1),
        "action": np.zeros((count, 6)),
        "reward": number,
        "next_observation": np.repeat(number[:, None], 17, 1) + 0.5,
        "flags": np.zeros(count),
        "source": np.full(count, estuary.Source.POLICY),
        "policy_version": np.zeros(count),
        "episode": np.zeros(count),
    }


class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.close)


class SchemaTest(unittest.TestCase):
    def test_rows_survive_the_wire(self):
        given = rows(3, 5)
        found = SCHEMA.decode(SCHEMA.encode(given))
        for name, values in given.items():
            np.testing.assert_array_equal(found[name], values)

    def test_labels_rows_with_the_numbers_of_a_gap(self):
        schema = estuary.Schema.simulated("half_cheetah", 17, 6, 50_000, gap_edits=2)
        label = np.array([[0.5, 3], [1.5, 0]], np.float32)
        found = schema.decode(schema.encode({**rows(0, 2), "gap": label}))
        np.testing.assert_array_equal(found["gap"], label)
        self.assertEqual(estuary.Schema.simulated("half_cheetah", 17, 6, 50_000, gap_edits=0), SCHEMA)

    def test_names_what_does_not_fit(self):
        for change, words in (
            ({"observation": np.zeros((5, 16))}, "'observation' must have the shape [rows, 17], got [5, 16]"),
            ({"action": np.zeros((4, 6))}, "'action' has 4 rows, the ones before it 5"),
            ({"reward": np.array([0, 0, np.nan, 0, 0])}, "row 2 of column 'reward' is not finite"),
            ({"speed": np.zeros(5)}, "no column 'speed'"),
        ):
            with self.assertRaises(ValueError) as refused:
                SCHEMA.encode({**rows(0, 5), **change})
            self.assertIn(words, str(refused.exception))


class ReplayTest(ClusterTest):
    def test_every_row_is_stored_once(self):
        shard = self.cluster.replay(0)
        with estuary.Writer(shard, "sim", "test", SCHEMA) as writer:
            writer.append(rows(0, 1500))
            writer.append(rows(1500, 1))
        with estuary.Sampler(shard, "sim", SCHEMA, batch_size=256, seed=1) as sampler:
            batch = sampler.batch()
            self.assertEqual(batch["observation"].shape, (256, 17))
            np.testing.assert_array_equal(batch["reward"], batch["cursor"])
            seen = np.unique(np.concatenate([sampler.batch()["reward"] for _ in range(60)]))
        self.assertEqual(seen.size, 1501)

    def test_a_restarted_writer_goes_on(self):
        shard = self.cluster.replay(0)
        for first in (0, 100):
            with estuary.Writer(shard, "real", "test", SCHEMA, replaceable=False) as writer:
                writer.append(rows(first, 100))
        with estuary.Sampler(shard, "real", SCHEMA, batch_size=512) as sampler:
            batch = sampler.batch()
        np.testing.assert_array_equal(batch["reward"], batch["cursor"])
        self.assertGreater(batch["reward"].max(), 150)

    def test_rows_wait_for_a_killed_shard_and_arrive_once(self):
        shard = self.cluster.replay(0)
        with estuary.Writer(shard, "real", "test", SCHEMA, replaceable=False) as writer:
            writer.append(rows(0, 100))
            writer.flush(timeout=30)
            self.cluster.kill("replay-0")
            writer.append(rows(100, 100))
            self.cluster.replay(0)
            writer.flush(timeout=60)
        with estuary.Sampler(shard, "real", SCHEMA, batch_size=4096) as sampler:
            batch = sampler.batch()
        np.testing.assert_array_equal(batch["reward"], batch["cursor"])
        self.assertEqual(np.unique(batch["reward"]).size, 200)

    def test_simulated_rows_move_to_another_shard(self):
        shards = [self.cluster.replay(0), self.cluster.replay(1)]
        with estuary.Writer(shards, "sim", "test", SCHEMA, move_after=0.2) as writer:
            writer.append(rows(0, 10))
            writer.flush(timeout=30)
            used = next(i for i, shard in enumerate(shards) if shard == writer._order[0])
            self.cluster.kill(f"replay-{used}")
            writer.append(rows(10, 10))
            writer.flush(timeout=60)
        with estuary.Sampler(shards[1 - used], "sim", SCHEMA, batch_size=256) as sampler:
            self.assertEqual(set(sampler.batch()["reward"]), set(range(10, 20)))

    def test_batches_of_unequal_shards_are_drawn_by_size(self):
        shards = [self.cluster.replay(0), self.cluster.replay(1)]
        for shard, first, count in ((shards[0], 0, 300), (shards[1], 300, 900)):
            with estuary.Writer(shard, "sim", "test", SCHEMA) as writer:
                writer.append(rows(first, count))
        with estuary.Sampler(shards, "sim", SCHEMA, batch_size=256, seed=3) as sampler:
            drawn = np.concatenate([sampler.batch()["reward"] for _ in range(100)])
        # 25,600 draws: five standard deviations of the share of a quarter.
        self.assertAlmostEqual((drawn < 300).mean(), 0.25, delta=5 * np.sqrt(0.25 * 0.75 / drawn.size))

    def test_another_schema_is_refused_in_the_servers_words(self):
        shard = self.cluster.replay(0)
        other = estuary.Schema.standard("walker2d", 17, 6, 50_000)
        writer = estuary.Writer(shard, "sim", "test", other)
        with self.assertRaises(estuary.ReplayError) as refused:
            writer.append(rows(0, 1))
            writer.flush(timeout=30)
        writer.close()
        self.assertIn("FAILED_PRECONDITION", str(refused.exception))
        self.assertIn("walker2d", str(refused.exception))

    def test_a_shard_that_is_not_there_is_named(self):
        writer = estuary.Writer("unix:/no/such.sock", "sim", "test", SCHEMA, buffer_rows=10)
        writer.append(rows(0, 10))
        with self.assertRaises(TimeoutError) as late:
            writer.append(rows(10, 1), timeout=0.2)
        writer.close()
        self.assertIn("unix:/no/such.sock", str(late.exception))


class PolicyTest(unittest.TestCase):
    def test_a_damaged_policy_is_refused(self):
        from estuary.v1 import policy_pb2

        version = policy_pb2.PolicyVersion(version=1, observation_dim=1, action_dim=1, sha256="00")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "policy.pb"
            path.write_bytes(version.SerializeToString())
            with self.assertRaises(ValueError) as refused:
                estuary.read_policy(path)
        self.assertIn("is damaged", str(refused.exception))


class GymActorTest(ClusterTest):
    def test_a_gymnasium_environment_trains_a_policy(self):
        import gymnasium

        shards = [self.cluster.replay(0), self.cluster.replay(1)]
        learner = self.cluster.learner(shards, steps=2000)
        env = gymnasium.make("HalfCheetah-v5")
        with GymActor(env, "half_cheetah", env.unwrapped.dt, learner, ",".join(shards)) as actor:
            actor.run()
            self.assertTrue(actor.policies.final)
            # Two whole episodes, and some steps of a third while the last gradient steps were made.
            self.assertGreaterEqual(actor.steps, 2000)
            self.assertEqual(actor.policies.refused, 0, actor.policies.refusal)
            self.assertEqual(actor.writer.lost, 0)
        self.assertEqual(self.cluster.wait("learner", 60), 0, self.cluster.log("learner"))
        policy = estuary.read_policy(self.cluster.folder / "run" / "final_policy.pb")
        self.assertEqual(policy.task, "half_cheetah")
        self.assertTrue(eventually(lambda: (self.cluster.folder / "run" / "metrics.jsonl").exists()))

    def test_another_task_is_refused(self):
        import gymnasium

        shards = [self.cluster.replay(0), self.cluster.replay(1)]
        learner = self.cluster.learner(shards)
        with self.assertRaises(ValueError) as refused:
            GymActor(gymnasium.make("Walker2d-v5"), "walker2d", 0.008, learner, ",".join(shards))
        self.assertIn("the learner's task is 'half_cheetah', this actor's 'walker2d'", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
