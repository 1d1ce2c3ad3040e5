"""Robot: who moves it, how punctual the loop is, what was limited, what it does, and where its data goes."""

from board import dashboard
from panels import ROBOT_STATES, distribution, lines, new_counts, query, state_code, timeline

HERE = 'robot=~"$robot"'


def state():
    return [
        timeline(
            "State",
            "Who moves the robot, over time. DISARMED and ESTOP: motors off. Healthy: what its operator chose, "
            "without gaps.",
            [query(state_code("estuary_bridge_state", "state", ROBOT_STATES, HERE, "robot"), "{{robot}}")],
            ROBOT_STATES,
        ),
        lines(
            "Changes of state by reason",
            "Within a minute. Reasons that an operator gives: arm, disarm, choose_...; all others are faults: "
            "docs/runbooks/RobotInFallback.md lists them.",
            "none",
            [
                query(
                    f"{new_counts(f'estuary_bridge_state_changes_total{{{HERE}}}', '1m')} > 0",
                    "{{robot}}: {{from}} to {{to}}, {{reason}}",
                )
            ],
            width=12,
            low=0,
        ),
        lines(
            "Time in each state",
            "Part of the time. Healthy: FALLBACK near 0 while a policy or an operator is chosen.",
            "percentunit",
            [query(f"rate(estuary_bridge_state_seconds_total{{{HERE}}}[$__rate_interval])", "{{robot}} {{state}}")],
            width=12,
            low=0,
            high=1,
            stacked=True,
        ),
    ]


def loop():
    return [
        distribution(
            "Lateness of the loop's wake-up",
            "By how much the 200 Hz loop woke late. Healthy: below 0.1 ms. From 1 ms on a tick counts as late: "
            "docs/runbooks/RobotLoopLate.md.",
            "s",
            "estuary_bridge_lateness_seconds",
            HERE,
            width=12,
        ),
        distribution(
            "Observation in to command out",
            "Time that the bridge takes to answer. Healthy: below 1 ms.",
            "s",
            "estuary_bridge_action_latency_seconds",
            HERE,
            width=12,
        ),
        lines(
            "Ticks",
            "Observations answered a second. Healthy: 200.",
            "ops",
            [query(f"rate(estuary_bridge_ticks_total{{{HERE}}}[$__rate_interval])", "{{robot}}")],
            low=0,
        ),
        lines(
            "Late and missed ticks",
            "A second: late by cause, and skipped because the loop was late. Healthy: 0.",
            "ops",
            [
                query(
                    f"rate(estuary_bridge_late_ticks_total{{{HERE}}}[$__rate_interval])", "{{robot}} late: {{cause}}"
                ),
                query(f"rate(estuary_bridge_missed_ticks_total{{{HERE}}}[$__rate_interval])", "{{robot}} missed"),
            ],
            low=0,
        ),
        lines(
            "Real-time that was refused",
            "Scheduling class, locked memory and such that the system did not give. Healthy: 0.",
            "none",
            [query(f"estuary_bridge_realtime_refusals{{{HERE}}}", "{{robot}}")],
            low=0,
        ),
    ]


def motion():
    return [
        lines(
            "Tilt",
            "The pitch, and where the motors go off. Healthy: near 0.",
            "radian",
            [
                query(f"estuary_bridge_tilt_radians{{{HERE}}}", "{{robot}}"),
                query(f"estuary_bridge_tilt_limit_radians{{{HERE}}}", "{{robot}}: motors off"),
            ],
        ),
        lines(
            "Position",
            "Distance from where it started. Healthy: within the task's area.",
            "lengthm",
            [query(f"estuary_bridge_position_meters{{{HERE}}}", "{{robot}}")],
        ),
        lines(
            "Speed",
            "Along the ground.",
            "velocityms",
            [query(f"estuary_bridge_speed_meters_per_second{{{HERE}}}", "{{robot}}")],
        ),
        lines(
            "Limits hit",
            "Actions a second that were cut: clamped (too large), rate (changed too fast), blended (with the "
            "fallback's near the envelope), not_finite. Healthy: few; a policy that is clamped all the time asks for "
            "more than the motors have.",
            "ops",
            [query(f"rate(estuary_bridge_limited_actions_total{{{HERE}}}[$__rate_interval])", "{{robot}} {{limit}}")],
            low=0,
        ),
        lines(
            "Return of the episode",
            "Of the one that is being driven, so far.",
            "short",
            [query(f"estuary_bridge_episode_return{{{HERE}}}", "{{robot}}")],
        ),
        lines(
            "Length of the episode",
            "Of the one that is being driven, so far. Healthy: a long saw.",
            "s",
            [query(f"estuary_bridge_episode_seconds{{{HERE}}}", "{{robot}}")],
            low=0,
        ),
    ]


def link():
    return [
        lines(
            "Connected",
            "1 while a robot, or an operator who steers, is connected.",
            "none",
            [
                query(f"estuary_bridge_robot_connected{{{HERE}}}", "{{robot}}"),
                query(f"estuary_bridge_operator_connected{{{HERE}}}", "{{robot}}: operator"),
            ],
            low=0,
            high=1,
        ),
        lines(
            "Bad observations and frames",
            "A second, by fault. Healthy: 0.",
            "ops",
            [
                query(
                    f"rate(estuary_bridge_bad_observations_total{{{HERE}}}[$__rate_interval])", "{{robot}} {{fault}}"
                ),
                query(
                    f"rate(estuary_bridge_bad_frames_total{{{HERE}}}[$__rate_interval])", "{{robot}} frame {{fault}}"
                ),
            ],
            low=0,
        ),
        lines(
            "Connections",
            "Within a minute: connections of the robot, and handshakes that were refused. Healthy: 0 after the start.",
            "none",
            [
                query(f"increase(estuary_bridge_robot_connections_total{{{HERE}}}[1m])", "{{robot}} connected"),
                query(f"increase(estuary_bridge_refused_robots_total{{{HERE}}}[1m])", "{{robot}} refused"),
            ],
            low=0,
        ),
        lines(
            "Policy version",
            "In use. Healthy: follows the learner's.",
            "none",
            [query(f"estuary_bridge_policy_version{{{HERE}}}", "{{robot}}")],
            low=0,
        ),
        lines(
            "Age of the policy",
            "Since the policy in use was received, and for how long the learner has been away (no line: none is "
            "named). docs/runbooks/PolicyStale.md.",
            "s",
            [
                query(f"estuary_bridge_policy_age_seconds{{{HERE}}}", "{{robot}} policy"),
                query(f"estuary_bridge_learner_away_seconds{{{HERE}}}", "{{robot}} learner away"),
            ],
            low=0,
        ),
        lines(
            "Policies",
            "Within a minute: received, refused, taken into use. Healthy: none refused.",
            "none",
            [
                query(f"increase(estuary_bridge_policies_received_total{{{HERE}}}[1m])", "{{robot}} received"),
                query(f"increase(estuary_bridge_policies_refused_total{{{HERE}}}[1m])", "{{robot}} refused"),
                query(f"increase(estuary_bridge_policy_swaps_total{{{HERE}}}[1m])", "{{robot}} taken"),
            ],
            low=0,
        ),
    ]


def data():
    return [
        lines(
            "Real transitions",
            "A second, by who chose the action. Healthy: 200 in all while motors are on.",
            "ops",
            [query(f"rate(estuary_bridge_transitions_total{{{HERE}}}[$__rate_interval])", "{{robot}} {{source}}")],
            low=0,
            stacked=True,
        ),
        lines(
            "Recorded and acknowledged",
            "A second: made, and durable in the replay. Healthy: the lines lie upon each other; "
            "docs/runbooks/RealDataNotFlowing.md.",
            "ops",
            [
                query(
                    f"rate(estuary_bridge_transitions_recorded_total{{{HERE}}}[$__rate_interval])", "{{robot}} recorded"
                ),
                query(
                    f"rate(estuary_bridge_spool_acknowledged_rows_total{{{HERE}}}[$__rate_interval])",
                    "{{robot}} acknowledged",
                ),
            ],
            low=0,
        ),
        lines(
            "Lost transitions",
            "Within a minute: periods of which none could be made, dropped before the spool, not taken by the spool. "
            "Healthy: 0; docs/runbooks/RealDataLost.md.",
            "none",
            [
                query(f"increase(estuary_bridge_observation_gaps_total{{{HERE}}}[1m])", "{{robot}} gaps"),
                query(f"increase(estuary_bridge_transitions_dropped_total{{{HERE}}}[1m])", "{{robot}} dropped"),
                query(f"increase(estuary_bridge_spool_lost_rows_total{{{HERE}}}[1m])", "{{robot}} spool"),
            ],
            low=0,
        ),
        lines(
            "Spool",
            "Part of its limit, or of the disk's room, that is taken. Healthy: near 0; docs/runbooks/SpoolFilling.md.",
            "percentunit",
            [query(f"estuary_bridge_spool_used_ratio{{{HERE}}}", "{{robot}}")],
            low=0,
            high=1,
            limit=0.5,
        ),
        lines(
            "Waiting for the replay",
            "Transitions in the spool that the replay has not acknowledged. Healthy: below a second's worth, 200.",
            "short",
            [query(f"estuary_bridge_spool_waiting_rows{{{HERE}}}", "{{robot}}")],
            low=0,
        ),
        lines(
            "Room of the spool",
            "Time of driving until it is full, if nobody takes anything. Healthy: hours.",
            "s",
            [
                query(
                    f"estuary_bridge_spool_room_rows{{{HERE}}} * estuary_bridge_control_period_seconds{{{HERE}}}",
                    "{{robot}}",
                )
            ],
            low=0,
        ),
        lines(
            "Episodes that ended",
            "A minute: terminated (it fell, or left the area), truncated (cut by time, a gap, or motors off). Healthy: few.",
            "opm",
            [query(f"60 * rate(estuary_bridge_episodes_total{{{HERE}}}[$__rate_interval])", "{{robot}} {{end}}")],
            low=0,
        ),
        lines(
            "Operator's actions",
            "A second: those that came, and those that came too late to be used. Healthy: no stale ones.",
            "ops",
            [
                query(f"rate(estuary_bridge_operator_actions_total{{{HERE}}}[$__rate_interval])", "{{robot}}"),
                query(
                    f"rate(estuary_bridge_stale_operator_actions_total{{{HERE}}}[$__rate_interval])", "{{robot}} stale"
                ),
            ],
            low=0,
        ),
        lines(
            "Oldest transition in the spool",
            "For how long it has waited for the replay, to within five seconds. Healthy: below 6 s.",
            "s",
            [query(f"estuary_bridge_spool_oldest_age_seconds{{{HERE}}}", "{{robot}}")],
            low=0,
            limit=60,
        ),
    ]


def build():
    return dashboard(
        "estuary-robot",
        "Robot",
        "Who moves the robot, how punctual its loop is, what was limited, what it does, and where its data goes.",
        variables=["run", "robot"],
        sections=[
            ("Who moves it", state()),
            ("The 200 Hz loop", loop()),
            ("Motion", motion()),
            ("Robot, operator and learner", link()),
            ("Data", data()),
        ],
    )
