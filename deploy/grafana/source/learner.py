"""Learner: what the gradient steps do, what they see, and what they wait for."""

from board import dashboard
from panels import LEARNER_PHASES, distribution, lines, query, state_code, timeline

RUN = 'run=~"$run"'


def progress():
    return [
        timeline(
            "Phase",
            "What the learner does, over time. Healthy: training without gaps. A gap: it was down.",
            [query(state_code("estuary_learner_phase", "phase", LEARNER_PHASES, RUN, "run"), "{{run}}")],
            LEARNER_PHASES,
        ),
        lines(
            "Steps",
            "Gradient steps, and simulated transitions received, a second. Healthy: in the experiment's ratio.",
            "ops",
            [
                query(f"rate(estuary_learner_gradient_steps_total{{{RUN}}}[$__rate_interval])", "gradient"),
                query(f'rate(estuary_learner_rows_received_total{{{RUN},table="sim"}}[$__rate_interval])', "simulator"),
            ],
            low=0,
        ),
        distribution(
            "Time of a gradient step",
            "Mean of each turn of steps. Healthy: one narrow band. A second band above: something else uses the "
            "machine (Machines), or the shards draw the samples.",
            "s",
            "estuary_learner_gradient_step_seconds",
            RUN,
            height=8,
        ),
        lines(
            "Starvation",
            "Part of the time without a gradient step because rows (or samples that shards draw) were missing. "
            "Healthy: below a half; above, actors are too few or too slow: docs/runbooks/LearnerStarved.md.",
            "percentunit",
            [query(f"rate(estuary_learner_starved_seconds_total{{{RUN}}}[$__rate_interval])", "{{for}}")],
            low=0,
            limit=0.5,
        ),
        lines(
            "Rows behind the shards",
            "Transitions that shards hold and the learner has not taken. Healthy: some thousands at most, after the "
            "start.",
            "short",
            [query(f"estuary_learner_behind_rows{{{RUN}}}", "{{table}}")],
            low=0,
        ),
        lines(
            "Age of the newest policy and checkpoint",
            "Healthy: a saw that returns to 0 at every epoch. Rising while training: docs/runbooks/PolicyStale.md.",
            "s",
            [
                query(f"estuary_learner_policy_version_age_seconds{{{RUN}}}", "policy"),
                query(f"estuary_learner_checkpoint_age_seconds{{{RUN}}}", "checkpoint"),
            ],
            low=0,
        ),
        lines(
            "Versions",
            "Newest policy version, the newest that was evaluated, and the best on the real dynamics. Healthy: "
            "evaluated follows newest.",
            "none",
            [
                query(f"estuary_learner_policy_version{{{RUN}}}", "newest"),
                query(f"estuary_learner_evaluated_policy_version{{{RUN}}}", "evaluated"),
                query(f"estuary_learner_best_policy_version{{{RUN}}}", "best"),
            ],
            low=0,
        ),
    ]


def losses():
    return [
        lines(
            "Losses of the critics",
            "By the names in metrics.jsonl; td: temporal difference on real and simulated rows, regularizer: what "
            "holds simulated values down. Healthy: bounded. Growing without end: docs/runbooks/LearnerDiverging.md.",
            "none",
            [query(f'estuary_learner_loss{{{RUN},name=~"q.*|v.*"}}', "{{name}}")],
        ),
        lines(
            "Losses of policy and temperature",
            "By the names in metrics.jsonl. Healthy: the policy's falls as values rise; alpha's hovers around 0.",
            "none",
            [query(f'estuary_learner_loss{{{RUN},name!~"q.*|v.*|d_.*"}}', "{{name}}")],
        ),
        lines(
            "Losses of the discriminators",
            "Cross-entropy of the two that tell real from simulated. Healthy: below 1.4 (guessing) and above 0.",
            "none",
            [query(f'estuary_learner_loss{{{RUN},name=~"d_.*"}}', "{{name}}")],
        ),
        lines(
            "Norms of the gradients",
            "By network. Healthy: within a few decades of their start, no steps upwards.",
            "none",
            [query(f"estuary_learner_gradient_norm{{{RUN}}}", "{{net}}")],
            log=True,
        ),
        lines(
            "Temperature and entropy",
            "alpha weighs entropy against reward; it falls until the policy's entropy is at its target.",
            "none",
            [
                query(f"estuary_learner_alpha{{{RUN}}}", "alpha"),
                query(f"estuary_learner_entropy{{{RUN}}}", "entropy"),
            ],
        ),
        lines(
            "Learning rate",
            "As the experiment's schedule gives it.",
            "none",
            [query(f"estuary_learner_learning_rate{{{RUN}}}", "{{run}}")],
            low=0,
        ),
    ]


def values():
    return [
        lines(
            "Q, means of the batch",
            "Values of real rows, simulated rows and the targets. Healthy: bounded by reward / (1 - discount); H2O "
            "keeps simulated values where the gap is large below the real ones.",
            "none",
            [query(f"estuary_learner_q{{{RUN}}}", "{{data}}")],
        ),
        distribution(
            "Q of real rows",
            "Distribution over batches. Healthy: moves slowly, and stays bounded.",
            "none",
            "estuary_learner_q_value",
            f'{RUN},data="real"',
            height=8,
        ),
        distribution(
            "Q of simulated rows",
            "Distribution over batches. A tail that runs away upwards: the policy found what only the simulator "
            "allows and the regularizer does not hold it.",
            "none",
            "estuary_learner_q_value",
            f'{RUN},data="sim"',
            height=8,
        ),
    ]


def gap():
    return [
        distribution(
            "Dynamics gap u",
            "How unreal simulated transitions look, in nats, on a logarithmic scale. All at the bottom: the simulator"
            " is right where the policy goes (or the discriminators see nothing). All at the top: they see through "
            "everything, and the weights carry no information.",
            "none",
            "estuary_learner_u",
            RUN,
        ),
        distribution(
            "Weights omega",
            "Each simulated pair's share of the regularizer, times the batch: 1 is an even share. Healthy: spread "
            "around 1. A few far above and the rest near 0: few pairs do all the work.",
            "none",
            "estuary_learner_omega",
            RUN,
        ),
        lines(
            "Dynamics ratio",
            "Weight of simulated rows' errors in the critics' loss: real over simulated likelihood, cut at both ends."
            " 1: trusted like real rows.",
            "none",
            [query(f'estuary_learner_dynamics_ratio{{{RUN},stat!="log_mean"}}', "{{stat}}")],
            height=9,
            low=0,
        ),
        lines(
            "Discriminators' accuracy",
            "Part of the rows that each tells right; 50 % is guessing. Healthy: between. Near 100 % for long: the gap"
            " saturates.",
            "percentunit",
            [query(f"estuary_learner_discriminator_accuracy_ratio{{{RUN}}}", "{{net}}")],
            low=0.4,
            high=1,
        ),
        lines(
            "Simulated pairs that count",
            "How many pairs of the batch the weights omega amount to. Healthy: a good part of the batch; 1: a single "
            "pair rules.",
            "none",
            [query(f"estuary_learner_omega_effective_samples{{{RUN}}}", "{{run}}")],
            low=0,
        ),
        lines(
            "u of the newest batch",
            "Smallest, mean and largest.",
            "none",
            [query(f"estuary_learner_u_last{{{RUN}}}", "{{stat}}")],
            low=0,
        ),
    ]


def data():
    return [
        lines(
            "Rows held",
            "Transitions on the device. Healthy: sim up to its capacity, real as many as the dataset has and what the"
            " robot adds.",
            "short",
            [query(f"estuary_learner_rows{{{RUN}}}", "{{table}}")],
            low=0,
        ),
        lines(
            "Real rows that joined",
            "Transitions of the robot that joined the training's data, a second. Healthy where `extend` is on and the"
            " robot drives: 200.",
            "ops",
            [query(f"rate(estuary_learner_real_rows_added_total{{{RUN}}}[$__rate_interval])", "{{run}}")],
            low=0,
        ),
        lines(
            "Newest real row",
            "Since the learner last received one. Healthy: below a second where `extend` is on and the robot drives.",
            "s",
            [query(f"estuary_learner_newest_real_row_age_seconds{{{RUN}}}", "{{run}}")],
            low=0,
        ),
        lines(
            "Subscribers and evaluations",
            "Open subscriptions to policies, and versions whose evaluation is awaited. Healthy: as many subscribers as "
            "actors, evaluators and bridges; few versions that wait.",
            "none",
            [
                query(f"estuary_learner_subscribers{{{RUN}}}", "subscribers"),
                query(f"estuary_learner_pending_evaluations{{{RUN}}}", "awaited evaluations"),
            ],
            low=0,
        ),
        lines(
            "Other figures of the training",
            "What metrics.jsonl holds besides, by its names there.",
            "none",
            [query(f"estuary_learner_training{{{RUN}}}", "{{name}}")],
        ),
        lines(
            "Lost rows and failures",
            "Within a minute: rows that shards evicted before the learner took them, checkpoints that could not be "
            "written, evaluations given up. Healthy: 0.",
            "none",
            [
                query(
                    f"sum by (table) (increase(estuary_learner_lost_rows_total{{{RUN}}}[1m]))", "lost rows, {{table}}"
                ),
                query(f"increase(estuary_learner_checkpoint_failures_total{{{RUN}}}[1m])", "checkpoints"),
                query(f"increase(estuary_learner_evaluations_given_up_total{{{RUN}}}[1m])", "evaluations"),
            ],
            low=0,
        ),
    ]


def build():
    return dashboard(
        "estuary-learner",
        "Learner",
        "Losses, values, the dynamics gap and what the learner waits for.",
        variables=["run"],
        sections=[
            ("Progress", progress()),
            ("Losses", losses()),
            ("Values", values()),
            ("The dynamics gap", gap()),
            ("Data", data()),
        ],
    )
