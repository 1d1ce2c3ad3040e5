"""What all dashboards share: variables, annotations, links to each other, and how a panel finds its place."""

import json

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from panels import BLUE, GRAY, ORANGE, RED, SOURCE, new_counts

# As deploy/grafana/provisioning/datasources names it.
PROVISIONED_SOURCE = "estuary-prometheus"

# How Grafana's Prometheus data source numbers a variable's query that is label_values(...).
LABEL_VALUES = 1

# Variables by name: label and where their values come from. With "All" chosen, series that do not carry the label
# are shown as well: a shard or a bridge may not know of any run.
VARIABLES = {
    "run": ("Run", "label_values(estuary_process_info, run)"),
    "shard": ("Shard", 'label_values(estuary_process_info{part="replay",run=~"$run"}, shard)'),
    "actor": ("Actor", 'label_values(estuary_process_info{part=~"actor|evaluator",run=~"$run"}, actor)'),
    "robot": ("Robot", "label_values(estuary_bridge_state, robot)"),
    "machine": ("Machine", "label_values(node_uname_info, instance)"),
}

FAULTS = 'estuary_bridge_state_changes_total{to=~"FALLBACK|ESTOP",reason!="choose_fallback"}'


class PrometheusAnnotation(models.AnnotationQuery):
    """With what Grafana's Prometheus data source reads beside the common schema's fields."""

    # The foundation SDK's model lacks them; the tests allow no other key that it lacks.
    EXTRA_KEYS = ("step", "titleFormat", "textFormat", "tagKeys")

    def __init__(self, *, step, title, text, tags, **common):
        super().__init__(datasource=SOURCE, **common)
        self._extra = dict(zip(self.EXTRA_KEYS, (step, title, text, tags)))

    def to_json(self):
        return {**super().to_json(), **self._extra}


def annotations():
    return [
        PrometheusAnnotation(
            name="Alerts",
            icon_color=RED,
            expr='ALERTS{alertstate="firing"}',
            step="15s",
            title="{{alertname}}",
            text="{{severity}} {{robot}} {{shard}} {{instance}}",
            tags="severity",
        ),
        PrometheusAnnotation(
            name="Robot's faults",
            icon_color=ORANGE,
            expr=f"{new_counts(FAULTS, '15s')} > 0",
            step="15s",
            title="{{robot}}: {{from}} to {{to}}",
            text="{{reason}}",
            tags="to",
        ),
        PrometheusAnnotation(
            name="Processes that started",
            icon_color=BLUE,
            expr='changes(process_start_time_seconds{job!~"prometheus|alertmanager|node"}[30s]) > 0',
            step="15s",
            title="{{job}} {{shard}} {{actor}} started again",
            text="{{instance}}",
            tags="job",
        ),
        # Versions come by the second while a small policy trains: one mark a minute, with the version of then.
        PrometheusAnnotation(
            name="Policy versions",
            icon_color=GRAY,
            expr='count_values by (run) ("version", estuary_learner_policy_version{run=~"$run"} > 0)',
            step="1m",
            title="policy version {{version}}",
            text="{{run}}",
            tags="run",
        ),
    ]


def _variable(name, values):
    label, definition = values
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"qryType": LABEL_VALUES, "query": definition, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.NATURAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _source_variable():
    return (
        builders.DatasourceVariable("datasource")
        .label("Prometheus")
        .type("prometheus")
        .hide(models.VariableHide.HIDE_VARIABLE)
        .current(models.VariableOption(selected=True, text="Prometheus", value=PROVISIONED_SOURCE))
    )


def dashboard(uid, title, description, *, variables, sections):
    """`sections`: pairs of a heading and its panels; an empty heading makes no row."""
    built = (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["estuary"])
        .editable()
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("10s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(_source_variable())
        .link(
            builders.DashboardLink("Estuary")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags(["estuary"])
            .include_vars(True)
            .keep_time(True)
        )
    )
    for name in variables:
        built = built.with_variable(_variable(name, VARIABLES[name]))
    for heading, panels in sections:
        if heading:
            built = built.with_row(builders.Row(heading))
        for panel in panels:
            built = built.with_panel(panel)
    result = built.build()
    result.annotations.list_val = annotations()
    for number, panel in enumerate(result.panels, start=1):
        panel.id_val = number
    return result


def to_text(board):
    return json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
