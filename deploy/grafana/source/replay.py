"""Replay: what the shards hold, what goes through them, who waits for whom, and what the disk does."""

from board import dashboard
from panels import LIMITER_STATES, distribution, lines, query, state_code, timeline

HERE = 'run=~"$run",shard=~"$shard"'


def sizes():
    return [
        lines(
            "Rows",
            "Held by each shard. Healthy: alike on all shards where many actors write.",
            "short",
            [query(f"estuary_replay_rows{{{HERE}}}", "{{shard}} {{table}}")],
            low=0,
        ),
        lines(
            "Full",
            "Rows held, of those that the table may hold. Table sim at 100 % lets its oldest rows go; table real must"
            " stay below.",
            "percentunit",
            [query(f"estuary_replay_rows{{{HERE}}} / estuary_replay_capacity_rows{{{HERE}}}", "{{shard}} {{table}}")],
            low=0,
            high=1,
        ),
        lines(
            "Bytes",
            "Of rows, in memory, and of table real's log on disk.",
            "bytes",
            [
                query(f"estuary_replay_bytes{{{HERE}}}", "{{shard}} {{table}}"),
                query(f"estuary_replay_disk_used_bytes{{{HERE}}}", "{{shard}} {{table}}, disk"),
            ],
            low=0,
        ),
    ]


def rates():
    return [
        lines(
            "Inserts",
            "Rows a second. Healthy: sim as the limiter allows, real 200 for each robot that drives.",
            "ops",
            [query(f"rate(estuary_replay_inserted_rows_total{{{HERE}}}[$__rate_interval])", "{{shard}} {{table}}")],
            low=0,
        ),
        lines(
            "Samples",
            "Rows drawn a second, here or by followers that report it.",
            "ops",
            [query(f"rate(estuary_replay_sampled_rows_total{{{HERE}}}[$__rate_interval])", "{{shard}} {{table}}")],
            low=0,
        ),
        lines(
            "Traffic",
            "Bytes of rows a second, in and out.",
            "Bps",
            [
                query(
                    f"sum by (shard) (rate(estuary_replay_received_bytes_total{{{HERE}}}[$__rate_interval]))",
                    "{{shard}} in",
                ),
                query(
                    f"sum by (shard) (rate(estuary_replay_sent_bytes_total{{{HERE}}}[$__rate_interval]))",
                    "{{shard}} out",
                ),
            ],
            low=0,
        ),
        lines(
            "Connections",
            "Streams open. Healthy: as many writers as actors in all (and one for each bridge), one follower a table "
            "and learner.",
            "none",
            [
                query(f"sum by (shard, table) (estuary_replay_writers{{{HERE}}})", "{{shard}} {{table}} writers"),
                query(f"sum by (shard, table) (estuary_replay_followers{{{HERE}}})", "{{shard}} {{table}} followers"),
                query(f"sum by (shard, table) (estuary_replay_samplers{{{HERE}}})", "{{shard}} {{table}} samplers"),
            ],
            low=0,
        ),
        lines(
            "Lag of the slowest follower",
            "Rows that the follower furthest behind has not taken. Healthy: small. At the table's capacity rows are "
            "lost to it.",
            "short",
            [query(f"estuary_replay_follower_lag_rows{{{HERE}}}", "{{shard}} {{table}}")],
            low=0,
        ),
        lines(
            "Refused and repeated rows",
            "A second. Repeated: sent again after a lost connection, and dropped; normal after faults. Refused: "
            "malformed; healthy: 0.",
            "ops",
            [
                query(
                    f"rate(estuary_replay_duplicate_rows_total{{{HERE}}}[$__rate_interval])",
                    "{{shard}} {{table}} repeated",
                ),
                query(
                    f"rate(estuary_replay_rejected_rows_total{{{HERE}}}[$__rate_interval])",
                    "{{shard}} {{table}} refused",
                ),
            ],
            low=0,
        ),
    ]


def waits():
    return [
        lines(
            "Who waits for whom",
            "Seconds waited a second, by who and for what: 1 is one of them waiting all the time. Writers for "
            "samples: the limiter holds actors back to the configured ratio. Writers for disk: the log is slow. "
            "Samplers or followers for inserts: they have all there is. Anybody for the network: the peer takes too "
            "slowly.",
            "none",
            [
                query(
                    f"sum by (who, for) (rate(estuary_replay_waited_seconds_total{{{HERE}}}[$__rate_interval]))",
                    "{{who}} for {{for}}",
                )
            ],
            width=12,
            height=9,
            low=0,
        ),
        lines(
            "Who waits for whom, by shard and table",
            "The same, where it happens.",
            "none",
            [
                query(
                    f"rate(estuary_replay_waited_seconds_total{{{HERE}}}[$__rate_interval]) > 0",
                    "{{shard}} {{table}}: {{who}} for {{for}}",
                )
            ],
            width=12,
            height=9,
            low=0,
        ),
        timeline(
            "Limiter",
            "What the samples-per-insert limiter of each limited table allows. Healthy: open, or inserts blocked: the "
            "actors are faster. A shard that no actor writes to stays at samples blocked.",
            [
                query(
                    state_code("estuary_replay_limiter_state", "state", LIMITER_STATES, HERE, "shard, table"),
                    "{{shard}} {{table}}",
                )
            ],
            LIMITER_STATES,
        ),
        lines(
            "Samples per insert",
            "What each shard sees, and what it is configured to. Healthy: they agree within a fifth, but for shards "
            "that no actor writes to; docs/runbooks/SamplesPerInsertOff.md.",
            "none",
            [query(f"estuary_replay_samples_per_insert_ratio{{{HERE}}}", "{{shard}} {{table}} {{kind}}")],
            width=12,
            low=0,
        ),
        lines(
            "Limiter's difference",
            "Samples that inserts allow and nobody drew yet. Inserts wait at the upper edge of the buffer.",
            "none",
            [
                query(f"estuary_replay_limiter_difference{{{HERE}}}", "{{shard}} {{table}}"),
                query(f"estuary_replay_limiter_error_buffer{{{HERE}}}", "{{shard}} {{table}} buffer"),
            ],
            width=12,
        ),
    ]


def durability():
    return [
        distribution(
            "fsync",
            "Time of each fdatasync of the log. Healthy: a few ms. A band above 100 ms: the disk is busy or slow.",
            "s",
            "estuary_replay_fsync_seconds",
            HERE,
        ),
        distribution(
            "Commit",
            "From a block queued until it is on disk and visible. Healthy: little above fsync.",
            "s",
            "estuary_replay_commit_seconds",
            HERE,
        ),
        lines(
            "Commit, 99 %",
            "99 % of the blocks were durable within this.",
            "s",
            [
                query(
                    "histogram_quantile(0.99, sum by (le, shard, table) "
                    f"(rate(estuary_replay_commit_seconds_bucket{{{HERE}}}[$__rate_interval])))",
                    "{{shard}} {{table}}",
                )
            ],
            height=9,
            low=0,
        ),
        lines(
            "Disk free",
            "Of the file system that holds the shard's data. Healthy: above 10 %; docs/runbooks/DiskFilling.md.",
            "percentunit",
            [
                query(
                    f"estuary_replay_disk_free_bytes{{{HERE}}} / estuary_replay_disk_size_bytes{{{HERE}}}", "{{shard}}"
                )
            ],
            low=0,
            high=1,
        ),
        lines(
            "Age of the newest checkpoint",
            "Of the tables in memory. Healthy: a saw up to --checkpoint_seconds.",
            "s",
            [query(f"estuary_replay_checkpoint_age_seconds{{{HERE}}}", "{{shard}}")],
            low=0,
        ),
        lines(
            "Time of a checkpoint",
            "Mean of those within five minutes. Healthy: far below the time between two.",
            "s",
            [
                query(
                    f"rate(estuary_replay_checkpoint_seconds_sum{{{HERE}}}[5m])"
                    f" / (rate(estuary_replay_checkpoint_seconds_count{{{HERE}}}[5m]) > 0)",
                    "{{shard}}",
                )
            ],
            low=0,
        ),
        lines(
            "Imports",
            "Rows of datasets a second, which the limiter does not count.",
            "ops",
            [
                query(
                    f"rate(estuary_replay_bulk_inserted_rows_total{{{HERE}}}[$__rate_interval])", "{{shard}} {{table}}"
                )
            ],
            low=0,
        ),
        lines(
            "Failures",
            "Within a minute: commits and checkpoints that failed. Healthy: 0; docs/runbooks/CommitsFailing.md.",
            "none",
            [
                query(f"increase(estuary_replay_failed_commits_total{{{HERE}}}[1m])", "{{shard}} {{table}} commits"),
                query(f"increase(estuary_replay_checkpoint_failures_total{{{HERE}}}[1m])", "{{shard}} checkpoints"),
            ],
            low=0,
        ),
        lines(
            "Age of the newest row",
            "Since the last insert. Healthy: sim below a second while actors run, real below a second while a robot "
            "drives.",
            "s",
            [query(f"estuary_replay_newest_row_age_seconds{{{HERE}}}", "{{shard}} {{table}}")],
            low=0,
        ),
    ]


def build():
    return dashboard(
        "estuary-replay",
        "Replay",
        "What the shards hold, what goes through them, who waits for whom, and what the disk does.",
        variables=["run", "shard"],
        sections=[
            ("Sizes", sizes()),
            ("Rates", rates()),
            ("Who waits for whom", waits()),
            ("Durability", durability()),
        ],
    )
