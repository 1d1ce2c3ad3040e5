"""Machines: what the computers do, and what each of Estuary's processes takes of them."""

from board import dashboard
from panels import lines, new_counts, query, rows

HERE = 'instance=~"$machine"'
# Mounts of files rather than file systems say the same disk again.
DISKS = f'{HERE},fstype!~"tmpfs|ramfs|squashfs|overlay|nsfs|9p",mountpoint!~"/etc/.+|/run.*|/var/lib/docker/.+"'
PROCESSES = 'job=~"replay|learner|actor|evaluator|bridge",run=~"$run"'
NAME = "{{job}} {{shard}}{{actor}}{{robot}}"


def machine():
    return [
        lines(
            "Processors busy",
            "Part of all processors' time. Healthy: below 90 % on the robot's computer; a learner's or actors' may be"
            " at 100 %.",
            "percentunit",
            [
                query(
                    f'1 - avg by (instance) (rate(node_cpu_seconds_total{{{HERE},mode="idle"}}[$__rate_interval]))',
                    "{{instance}}",
                )
            ],
            low=0,
            high=1,
        ),
        lines(
            "Stolen and waiting for disks",
            "Part of all processors' time that the hypervisor took, or that passed idle because a disk was slow. "
            "Healthy: below 5 %; stolen time makes the loop late.",
            "percentunit",
            [
                query(
                    f'sum by (instance, mode) (rate(node_cpu_seconds_total{{{HERE},mode=~"steal|iowait"}}[$__rate_interval]))'
                    f' / on (instance) group_left count by (instance) (node_cpu_seconds_total{{{HERE},mode="idle"}})',
                    "{{instance}} {{mode}}",
                )
            ],
            low=0,
        ),
        lines(
            "Load",
            "Processes that run or want to, by processor. Healthy: below 2.",
            "none",
            [
                query(
                    f"node_load1{{{HERE}}} / on (instance)"
                    f' count by (instance) (node_cpu_seconds_total{{{HERE},mode="idle"}})',
                    "{{instance}}",
                )
            ],
            low=0,
        ),
        lines(
            "Memory available",
            "Part that programs can still have. Healthy: above 10 %.",
            "percentunit",
            [query(f"node_memory_MemAvailable_bytes{{{HERE}}} / node_memory_MemTotal_bytes{{{HERE}}}", "{{instance}}")],
            low=0,
            high=1,
        ),
        lines(
            "Disks free",
            "By file system. Healthy: above 10 %; docs/runbooks/DiskFilling.md.",
            "percentunit",
            [
                query(
                    f"node_filesystem_avail_bytes{{{DISKS}}} / node_filesystem_size_bytes{{{DISKS}}}",
                    "{{instance}} {{mountpoint}}",
                )
            ],
            low=0,
            high=1,
        ),
        lines(
            "Network",
            "Bytes a second, received and sent, without loopback.",
            "Bps",
            [
                query(
                    f'sum by (instance) (rate(node_network_receive_bytes_total{{{HERE},device!="lo"}}[$__rate_interval]))',
                    "{{instance}} in",
                ),
                query(
                    f'sum by (instance) (rate(node_network_transmit_bytes_total{{{HERE},device!="lo"}}[$__rate_interval]))',
                    "{{instance}} out",
                ),
            ],
            low=0,
        ),
    ]


def processes():
    return [
        lines(
            "Processor time",
            "In processors, by process.",
            "none",
            [query(f"rate(process_cpu_seconds_total{{{PROCESSES}}}[$__rate_interval])", NAME)],
            low=0,
        ),
        lines(
            "Memory",
            "Resident, by process. Healthy: steady after the tables are full.",
            "bytes",
            [query(f"process_resident_memory_bytes{{{PROCESSES}}}", NAME)],
            low=0,
        ),
        lines(
            "Open files",
            "Part of those allowed. Healthy: far below 100 %.",
            "percentunit",
            [query(f"process_open_fds{{{PROCESSES}}} / process_max_fds{{{PROCESSES}}}", NAME)],
            low=0,
        ),
        lines(
            "Up since",
            "Time since each process began. A fall to 0: it was started again; its log says why.",
            "s",
            [query(f"time() - process_start_time_seconds{{{PROCESSES}}}", NAME)],
            low=0,
        ),
        lines(
            "Warnings and errors in logs",
            "Lines a minute. Healthy: 0.",
            "none",
            [
                query(
                    f"sum by (job, shard, actor, level) (increase(estuary_process_log_lines_total{{{PROCESSES}}}[1m]))",
                    "{{job}} {{shard}}{{actor}} {{level}}",
                )
            ],
            low=0,
        ),
        lines(
            "Time until certificates end",
            "Healthy: above a week; docs/runbooks/CertificateExpiring.md. No line: the process has none.",
            "s",
            [query(f"estuary_process_certificate_expires_seconds{{{PROCESSES}}} - time()", NAME)],
        ),
        lines(
            "Refused calls and failed handshakes",
            "Within a minute. Healthy: 0. Somebody without a certificate, or with one of another role, tries; the "
            "process's log says who.",
            "none",
            [
                query(
                    f"sum by (job, role, method) {new_counts(f'estuary_process_refused_calls_total{{{PROCESSES}}}', '1m')}",
                    "{{job}}: {{role}}, {{method}}",
                ),
                query(
                    f"sum by (job) {new_counts(f'estuary_process_failed_handshakes_total{{{PROCESSES}}}', '1m')}",
                    "{{job}}: handshakes",
                ),
            ],
            low=0,
        ),
        lines(
            "Answers to Prometheus",
            "1: the process answered the last scrape. Healthy: 1 everywhere; docs/runbooks/TargetDown.md.",
            "none",
            [query("up", "{{job}} {{instance}}")],
            low=0,
            high=1,
        ),
        lines(
            "Time of a scrape",
            "That each process took to answer Prometheus. Healthy: below a second.",
            "s",
            [query("scrape_duration_seconds", "{{job}} {{instance}}")],
            low=0,
        ),
    ]


def versions():
    return [
        rows(
            "Versions",
            "What runs where. Healthy: one version everywhere.",
            "none",
            f"estuary_process_info{{{PROCESSES}}}",
            {
                "job": "Part",
                "instance": "Instance",
                "shard": "Shard",
                "actor": "Actor",
                "run": "Run",
                "task": "Task",
                "version": "Version",
            },
            height=10,
            none="no process",
        )
    ]


def build():
    return dashboard(
        "estuary-machines",
        "Machines",
        "What the computers do, and what each process takes of them.",
        variables=["run", "machine"],
        sections=[("Machines", machine()), ("Processes", processes()), ("Versions", versions())],
    )
