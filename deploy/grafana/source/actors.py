"""Actors: how fast they step, how good their episodes are, and what holds them up."""

from board import dashboard
from panels import lines, query

HERE = 'run=~"$run",actor=~"$actor"'


def stepping():
    return [
        lines(
            "Simulator steps",
            "By actor, a second. Healthy: alike. One that lags has a slower or a busier machine.",
            "ops",
            [query(f"rate(estuary_actor_env_steps_total{{{HERE}}}[$__rate_interval])", "{{actor}}")],
            width=12,
            height=9,
            low=0,
            stacked=True,
        ),
        lines(
            "Waiting",
            "Part of the time in which an actor's simulators stood still. For the replay: held back to the configured"
            " ratio, or a shard is away. For a policy: nothing to act by. Healthy: neither near 100 % on all actors.",
            "percentunit",
            [query(f"rate(estuary_actor_wait_seconds_total{{{HERE}}}[$__rate_interval])", "{{actor}} for {{for}}")],
            width=12,
            height=9,
            low=0,
        ),
    ]


def episodes():
    return [
        lines(
            "Return while exploring",
            "Mean of the episodes that ended last, with the exploration's noise. Healthy: rises with training.",
            "short",
            [query(f"estuary_actor_episode_return{{{HERE}}}", "{{actor}}")],
        ),
        lines(
            "Length of episodes",
            "In steps. Healthy for tasks of balance: rises.",
            "none",
            [query(f"estuary_actor_episode_steps{{{HERE}}}", "{{actor}}")],
            low=0,
        ),
        lines(
            "Episodes that ended",
            "A second: terminated by the task (a fall), truncated at the time limit, dropped because the simulation "
            "diverged (healthy: 0).",
            "ops",
            [
                query(f"sum by (end) (rate(estuary_actor_episodes_total{{{HERE}}}[$__rate_interval]))", "{{end}}"),
                query(f"sum(rate(estuary_actor_dropped_episodes_total{{{HERE}}}[$__rate_interval]))", "dropped"),
            ],
            low=0,
        ),
        lines(
            "Evaluations",
            "Mean return of the evaluators' newest evaluation, by dynamics.",
            "short",
            [query(f"estuary_actor_evaluation_return{{{HERE}}}", "{{actor}} {{dynamics}}")],
        ),
        lines(
            "Evaluated episodes",
            "Episodes a minute. Healthy: follows the policy versions that are to be evaluated.",
            "opm",
            [
                query(
                    f"60 * rate(estuary_actor_evaluated_episodes_total{{{HERE}}}[$__rate_interval])",
                    "{{actor}} {{dynamics}}",
                )
            ],
            low=0,
        ),
        lines(
            "Random steps",
            "Part of the steps with uniform random actions. Healthy: 100 % at the very start, then 0.",
            "percentunit",
            [
                query(
                    f"rate(estuary_actor_random_steps_total{{{HERE}}}[$__rate_interval])"
                    f" / (rate(estuary_actor_env_steps_total{{{HERE}}}[$__rate_interval]) > 0)",
                    "{{actor}}",
                )
            ],
            low=0,
            high=1,
        ),
    ]


def links():
    return [
        lines(
            "Policy version",
            "That each actor acts by. Healthy: all close together, rising.",
            "none",
            [query(f"estuary_actor_policy_version{{{HERE}}}", "{{actor}}")],
            low=0,
        ),
        lines(
            "Age of the policy",
            "Since the policy in use was received. Healthy: below an epoch's time; docs/runbooks/PolicyStale.md.",
            "s",
            [query(f"estuary_actor_policy_age_seconds{{{HERE}}}", "{{actor}}")],
            low=0,
        ),
        lines(
            "Learner away",
            "For how long the learner has not answered. Healthy: 0.",
            "s",
            [query(f"estuary_actor_learner_away_seconds{{{HERE}}}", "{{actor}}")],
            low=0,
        ),
        lines(
            "Rows on their way",
            "Made and not yet acknowledged by the replay. Healthy: small and steady.",
            "short",
            [query(f"estuary_actor_unacknowledged_rows{{{HERE}}}", "{{actor}}")],
            low=0,
        ),
        lines(
            "Lost rows and refused policies",
            "Within a minute: rows that were acknowledged and died with their shard; policy versions that were not "
            "what they must be. Healthy: 0.",
            "none",
            [
                query(f"increase(estuary_actor_lost_rows_total{{{HERE}}}[1m])", "{{actor}} lost rows"),
                query(f"increase(estuary_actor_refused_policies_total{{{HERE}}}[1m])", "{{actor}} refused policies"),
            ],
            low=0,
        ),
        lines(
            "Processor time",
            "Of each actor's process, in processors. Healthy: near its limit; far below while Waiting is low means "
            "that the machine is shared.",
            "none",
            [query(f'rate(process_cpu_seconds_total{{job=~"actor|evaluator",{HERE}}}[$__rate_interval])', "{{actor}}")],
            low=0,
        ),
    ]


def build():
    return dashboard(
        "estuary-actors",
        "Actors",
        "How fast the actors step, how good their episodes are, and what holds them up.",
        variables=["run", "actor"],
        sections=[("Steps", stepping()), ("Episodes", episodes()), ("Policies and rows", links())],
    )
