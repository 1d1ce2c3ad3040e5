"""Overview: is it learning, is it healthy, is it going on, how is the robot? Opened first, also at night."""

from board import dashboard
from panels import (
    GREEN,
    LEARNER_PHASES,
    RED,
    ROBOT_STATES,
    leading_to,
    lines,
    number,
    query,
    rows,
    state_code,
    timeline,
)

RUN = 'run=~"$run"'


def now():
    return [
        number(
            "Alerts",
            "Alerts that fire now; the table below names them. Healthy: 0. Each has a runbook in docs/runbooks.",
            "none",
            'count(ALERTS{alertstate="firing"}) or vector(0)',
            steps=[(None, GREEN), (1, RED)],
        ),
        number(
            "Learner",
            "Phase of the run's learner. Healthy: training, later finishing and done. Waiting: the panel Who waits "
            "tells for whom.",
            "none",
            f"max({state_code('estuary_learner_phase', 'phase', LEARNER_PHASES, RUN, 'run')})",
            states=LEARNER_PHASES,
            none="no learner",
        ),
        number(
            "Robot",
            "State of the robot's bridge. Healthy: POLICY, or what its operator chose. FALLBACK: the fallback "
            "controller holds it. ESTOP: motors off until an operator arms it.",
            "none",
            f"max({state_code('estuary_bridge_state', 'state', ROBOT_STATES, '', 'robot')})",
            states=ROBOT_STATES,
            none="no bridge",
        ),
        number(
            "Shards up",
            "Part of the replay's shards that answer. Healthy: 100 %. Below: docs/runbooks/ShardDown.md.",
            "percentunit",
            'avg(up{job="replay"})',
            steps=[(None, RED), (1, GREEN)],
            none="no shard",
        ),
        number(
            "Trained",
            "Gradient steps done, of those that the experiment asks for; over all restarts of the run.",
            "percentunit",
            f"min(estuary_learner_run_gradient_steps{{{RUN}}} / estuary_learner_run_gradient_steps_goal{{{RUN}}})",
            none="no learner",
        ),
        number(
            "Time left",
            "Until the last gradient step, at the pace of the last two minutes.",
            "s",
            f"max((estuary_learner_run_gradient_steps_goal{{{RUN}}} - estuary_learner_run_gradient_steps{{{RUN}}})"
            f" / (rate(estuary_learner_gradient_steps_total{{{RUN}}}[2m]) > 0))",
            none="none made",
            decimals=0,
        ),
        rows(
            "What fires",
            "Alerts that fire now, with what they are about. Each has a page of its name in docs/runbooks. Healthy: "
            "empty.",
            "none",
            'ALERTS{alertstate="firing"}',
            {
                "alertname": "Alert",
                "severity": "Severity",
                "job": "Part",
                "robot": "Robot",
                "shard": "Shard",
                "run": "Run",
                "instance": "Instance",
            },
            none="nothing fires",
        ),
    ]


def learning():
    mean = f'estuary_learner_evaluation_return{{{RUN},stat="%s",dynamics="%s"}}'
    return [
        lines(
            "Return of the evaluated policy",
            "Mean return of the newest evaluation's episodes, on the real and on the simulated dynamics, and the "
            "worst and best real episode. Healthy: the real mean rises, then stays. A simulated return that rises "
            "while the real one falls: the policy exploits the simulator (Learner: dynamics gap).",
            "short",
            [
                query(mean % ("mean", "real"), "real, mean"),
                query(mean % ("min", "real"), "real, worst"),
                query(mean % ("max", "real"), "real, best"),
                query(mean % ("mean", "sim"), "simulated, mean"),
            ],
            width=12,
            height=9,
        ),
        lines(
            "Return: simulated less real",
            "By how much the simulator flatters the policy. Healthy: small against the return itself, or falling.",
            "short",
            [query(f"estuary_learner_evaluation_return_gap{{{RUN}}}", "{{run}}")],
            width=6,
            height=9,
        ),
        lines(
            "Dynamics gap u",
            "Mean of u over the newest batch: how unreal simulated transitions look to the discriminators, in nats. "
            "0: like the robot. Healthy: steady. Its distribution is on Learner.",
            "none",
            [query(f'estuary_learner_u_last{{{RUN},stat="mean"}}', "{{run}}")],
            width=6,
            height=9,
            low=0,
        ),
    ]


def pace():
    return [
        lines(
            "Gradient steps",
            "Updates a second. Healthy: steady. Zero while training: the learner starves (Who waits) or is down.",
            "ops",
            [query(f"rate(estuary_learner_gradient_steps_total{{{RUN}}}[$__rate_interval])", "{{run}}")],
            low=0,
        ),
        lines(
            "Simulator steps",
            "Transitions that the actors made and the learner took, a second. Healthy: the two lines lie upon each "
            "other.",
            "ops",
            [
                query(
                    f"sum by (run) (rate(estuary_actor_env_steps_total{{{RUN}}}[$__rate_interval]))", "made, {{run}}"
                ),
                query(
                    f'rate(estuary_learner_rows_received_total{{{RUN},table="sim"}}[$__rate_interval])',
                    "taken, {{run}}",
                ),
            ],
            low=0,
        ),
        lines(
            "Samples per insert",
            "Simulated transitions drawn for each that was made, and what the experiment configures. Healthy: the two"
            " agree within a fifth; docs/runbooks/SamplesPerInsertOff.md.",
            "none",
            [query(f"estuary_learner_samples_per_insert_ratio{{{RUN}}}", "{{kind}}")],
            low=0,
        ),
        lines(
            "Who waits",
            "Part of the time in which each side stood still. One of them waits in every healthy run: the faster one."
            " Actors that wait for the replay are held back to the configured ratio. Both waiting: "
            "docs/runbooks/LearnerStarved.md.",
            "percentunit",
            [
                query(
                    f"sum by (for) (rate(estuary_learner_starved_seconds_total{{{RUN}}}[$__rate_interval]))",
                    "learner for {{for}}",
                ),
                query(
                    f"avg by (for) (rate(estuary_actor_wait_seconds_total{{{RUN}}}[$__rate_interval]))",
                    "actors for {{for}}",
                ),
            ],
            width=12,
            low=0,
        ),
        lines(
            "Transitions that the learner holds",
            "On the learner's device, by table. Healthy: sim rises to its capacity, real rises where the robot's data"
            " joins the training.",
            "short",
            [query(f"estuary_learner_rows{{{RUN}}}", "{{table}}")],
            width=12,
            low=0,
        ),
    ]


def robot():
    return [
        timeline(
            "Robot's state",
            "Who moves the robot, over time. Healthy: what its operator chose, without gaps. Why it changed: Robot, "
            "Changes of state by reason.",
            [query(state_code("estuary_bridge_state", "state", ROBOT_STATES, "", "robot"), "{{robot}}")],
            ROBOT_STATES,
        ),
        lines(
            "Lateness of the 200 Hz loop",
            "99 % of wake-ups were no later than this. Dashed: a fifth of the period of 5 ms, from which on a tick "
            "counts as late. docs/runbooks/RobotLoopLate.md.",
            "s",
            [
                query(
                    "histogram_quantile(0.99, sum by (le, robot) "
                    "(rate(estuary_bridge_lateness_seconds_bucket[$__rate_interval])))",
                    "{{robot}}",
                )
            ],
            low=0,
            limit=0.001,
        ),
        lines(
            "Tilt",
            "The robot's pitch, and where the motors go off. Healthy: near 0.",
            "radian",
            [
                query("estuary_bridge_tilt_radians", "{{robot}}"),
                query("estuary_bridge_tilt_limit_radians", "{{robot}}: motors off"),
            ],
        ),
        lines(
            "Real transitions that wait for the replay",
            "Part of the bridge's spool that is taken. Healthy: near 0. Rising: the replay does not take them; "
            "docs/runbooks/SpoolFilling.md.",
            "percentunit",
            [query("estuary_bridge_spool_used_ratio", "{{robot}}")],
            low=0,
            high=1,
            limit=0.5,
        ),
    ]


def build():
    return dashboard(
        "estuary-overview",
        "Overview",
        "Is it learning, is it healthy, and how is the robot? What is wrong is in the first two lines.",
        variables=["run"],
        sections=[
            ("", now()),
            ("Is it learning?", leading_to("learner", learning())),
            ("Is it going on?", leading_to("replay", pace())),
            ("The robot", leading_to("robot", robot())),
        ],
    )
