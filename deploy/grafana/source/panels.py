"""Panels of the dashboards: one function a kind, so that every dashboard looks alike.

A panel has a title, a description (what it shows, what is healthy, what to do) and a unit. `width` is in
Grafana's columns: a line has 24 and must be filled.
"""

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import heatmap as heatmap_builders
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

# The variable that names the Prometheus to ask: the one that is provisioned, or another after an import.
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

GREEN, YELLOW, ORANGE, RED, BLUE, PURPLE, GRAY = (
    "green",
    "yellow",
    "orange",
    "red",
    "blue",
    "purple",
    "#8e8e8e",
)

# Value, text and colour of states, in the order in which things go right.
ROBOT_STATES = [
    (1, "DISARMED", GRAY),
    (2, "ARMED", BLUE),
    (3, "POLICY", GREEN),
    (4, "OPERATOR", PURPLE),
    (5, "FALLBACK", ORANGE),
    (6, "ESTOP", RED),
]
LEARNER_PHASES = [
    (1, "waiting_for_real_data", YELLOW),
    (2, "waiting_for_simulated_data", YELLOW),
    (3, "training", GREEN),
    (4, "finishing", BLUE),
    (5, "done", GRAY),
    (6, "failed", RED),
]
LIMITER_STATES = [(1, "open", GREEN), (2, "inserts_blocked", BLUE), (3, "samples_blocked", YELLOW)]


def state_code(metric, label, states, labels, by):
    """A metric with a series for each state, 1 for the one it is in, as one series of the state's number."""
    more = f",{labels}" if labels else ""
    terms = [f'{value} * {metric}{{{label}="{name}"{more}}}' for value, name, _ in states]
    return f"sum by ({by}) ({' or '.join(terms)})"


def new_counts(counter, window):
    """What a counter grew by, also one whose series begins with its first event: increase() would not see that one."""
    return f"({counter} - ({counter} offset {window} or {counter} * 0))"


def query(expression, legend, *, kind=None, instant=False):
    built = prometheus.Dataquery().datasource(SOURCE).expr(expression).legend_format(legend)
    if kind is not None:
        built = built.format(kind)
    return built.instant() if instant else built.range()


def leading_to(name, panels):
    """Panels whose titles' links open the dashboard that says more, at the same time and of the same run."""
    url = f"/d/estuary-{name}?${{__url_time_range}}&${{__all_variables}}"
    link = board.DashboardLink(name.capitalize()).type(models.DashboardLinkType.LINK).url(url)
    return [panel.links([link]) for panel in panels]


def _common(panel, title, description, width, height, queries):
    panel = panel.title(title).description(description).datasource(SOURCE).span(width).height(height)
    for index, target in enumerate(queries):
        panel = panel.with_target(target.ref_id(chr(ord("A") + index)))
    return panel


def _mappings(states):
    options = {
        str(value): models.ValueMappingResult(text=text.replace("_", " "), color=color, index=index)
        for index, (value, text, color) in enumerate(states)
    }
    return [models.ValueMap(options=options)]


def _thresholds(steps):
    """[(None, GREEN), (0.5, RED)]: green below .5, red from there on."""
    return (
        board.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in steps])
    )


def lines(
    title, description, unit, queries, *, width=8, height=8, low=None, high=None, log=False, stacked=False, limit=None
):
    """Values over time. `limit`: a dashed line at the value from which on it is not healthy."""
    panel = _common(timeseries.Panel(), title, description, width, height, queries)
    panel = (
        panel.unit(unit)
        .line_width(1.5)
        .fill_opacity(25 if stacked else 0)
        .show_points(common.VisibilityMode.AUTO)
        # A minute without a value is a gap, and shown as one.
        .span_nulls(60_000)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.TABLE if width >= 12 else common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"] if width >= 12 else [])
        )
        .tooltip(
            common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
        )
    )
    if low is not None:
        panel = panel.min(low)
    if high is not None:
        panel = panel.max(high)
    if log:
        scale = common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10)
        panel = panel.scale_distribution(scale)
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    if limit is not None:
        panel = panel.thresholds(_thresholds([(None, "transparent"), (limit, RED)])).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    return panel


def number(
    title,
    description,
    unit,
    expression,
    *,
    width=4,
    height=4,
    steps=None,
    states=None,
    none="–",
    decimals=None,
    legend="",
):
    """The newest value, large. `steps`: thresholds of its colour; `states`: texts for values."""
    panel = _common(stat.Panel(), title, description, width, height, [query(expression, legend)])
    panel = (
        panel.unit(unit)
        .no_value(none)
        .color_mode(common.BigValueColorMode.BACKGROUND if steps or states else common.BigValueColorMode.NONE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .thresholds(_thresholds(steps or [(None, "text")]))
    )
    if states:
        panel = panel.mappings(_mappings(states))
    return panel if decimals is None else panel.decimals(decimals)


def distribution(title, description, unit, histogram, labels, *, width=8, height=9):
    """A Prometheus histogram over time: each column a stretch of time, the darker the more of it fell in there."""
    expression = f"sum by (le) (rate({histogram}_bucket{{{labels}}}[$__rate_interval]))"
    panel = _common(
        heatmap_builders.Panel(),
        title,
        description,
        width,
        height,
        [query(expression, "{{le}}", kind=PromQueryFormat.HEATMAP)],
    )
    return (
        panel.unit(unit)
        .calculate(False)
        # Fewer columns than pixels: a column of 200 Hz holds thousands of values, one of the learner's some dozens.
        .max_data_points(120)
        .cell_gap(0)
        .y_axis(heatmap_builders.YAxisConfig().unit(unit).axis_placement(common.AxisPlacement.LEFT))
        .color(
            heatmap_builders.HeatmapColorOptions()
            .mode(heatmap_models.HeatmapColorMode.SCHEME)
            .scheme("Blues")
            .fill("blue")
            .scale(heatmap_models.HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .steps(64)
        )
        .filter_values(heatmap_builders.FilterValueRange().le(1e-9))
        .mode(common.TooltipDisplayMode.SINGLE)
        .show_y_histogram()
        .hide_legend()
    )


def timeline(title, description, queries, states, *, width=24, height=4):
    """Which state when, a band for each series."""
    panel = _common(statetimeline.Panel(), title, description, width, height, queries)
    return (
        panel.unit("none")
        .mappings(_mappings(states))
        .color_scheme(board.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .thresholds(_thresholds([(None, GRAY)]))
        .merge_values(True)
        .show_value(common.VisibilityMode.AUTO)
        .align_value(common.TimelineValueAlignment.LEFT)
        .row_height(0.9)
        .fill_opacity(80)
        .line_width(0)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.SINGLE).sort(common.SortOrder.NONE))
    )


def rows(title, description, unit, expression, columns, *, width=24, height=5, none):
    """A table of series, newest values; `columns` are labels and their headings, in order."""
    panel = _common(
        table.Panel(),
        title,
        description,
        width,
        height,
        [query(expression, "", kind=PromQueryFormat.TABLE, instant=True)],
    )
    organize = models.DataTransformerConfig(
        id_val="organize",
        options={
            "includeByName": {label: True for label in columns},
            "indexByName": {label: index for index, label in enumerate(columns)},
            "renameByName": columns,
        },
    )
    return (
        panel.unit(unit)
        .no_value(none)
        .show_header(True)
        .cell_height(common.TableCellHeight.SM)
        .with_transformation(organize)
    )
