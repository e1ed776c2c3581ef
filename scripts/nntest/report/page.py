"""The report: one page that holds all of a study and opens from disk without a network."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nntest.analysis.points import threads_text
from nntest.archives.excerpts import Excerpt
from nntest.domain.tables.all import ALL
from nntest.report.against_fp32 import data_type_sentences
from nntest.report.agreement import agreement_sentences
from nntest.report.cells import Download, TableView, duration, table_view
from nntest.report.headline import (
    MOST_ESTIMATES,
    cautions,
    clean_text,
    coverage_text,
    headline,
    interval_text,
    measured_text,
    study_text,
)
from nntest.report.ranking import best_estimates
from nntest.report.steadiness import steadiness, together
from nntest.report.sum_error import error_sentences

__all__ = ["ReportInputs", "headline", "write_page"]

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class ReportInputs:
    """Everything that is on the page, as plain data."""

    title: str
    study: str
    tables: dict[str, pd.DataFrame]
    """By name; those of `nntest.domain.tables.all` have their place, others follow."""
    plots: list[tuple[str, str, Path, Path]]
    """(caption, category, SVG, PNG) in the order of the page."""
    facts: list[dict[str, Any]]
    """What was read off each board."""
    installs: list[dict[str, Any]]
    """What is installed where."""
    config_yaml: str
    command: str
    """Command that makes the study again."""
    remarks: list[str] = field(default_factory=list)
    """Sentences beside the cautions that follow from the tables."""
    missing: list[str] = field(default_factory=list)
    """What of the study has no results, and why."""
    versions: dict[str, str] = field(default_factory=dict)
    made_at: str = ""
    excerpts: dict[str, Excerpt] = field(default_factory=dict)
    """Further tables, by name, that may be too large to be read."""
    pages: list[tuple[str, str]] = field(default_factory=list)
    """(title, relative address) of the interactive pages beside this one."""


@dataclass(frozen=True)
class _Plot:
    identity: str
    caption: str
    shown: Download
    other: Download


@dataclass(frozen=True)
class _Card:
    """One estimate, as the page's first words."""

    network: str
    where: str
    total: str
    interval: str
    coverage: str
    extrapolated: str
    by_minimum: str
    measured: str = ""
    study: str = ""


def write_page(path: Path, inputs: ReportInputs) -> None:
    """Write the report as one HTML file; the same inputs give the same file.

    What it shows is embedded: tables, each picture once, styles and script.  Large CSV files and
    the other file of each picture are linked where the workflow writes them, in `tables` and
    `plots` beside the page.  The page forbids itself (by its content security policy) to ask
    anything of a network.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown: dict[str, pd.DataFrame | Excerpt] = {**inputs.tables, **inputs.excerpts}
    order = [name for name in ALL if name in shown]
    order += [name for name in shown if name not in ALL]
    views = [table_view(name, shown[name]) for name in order]
    cards, machines = _cards(inputs.tables), steadiness(inputs.tables)
    html = environment.get_template("page.html.j2").render(
        inputs=inputs,
        css=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup((_HERE / "page.js").read_text(encoding="utf-8")),
        cards=cards[:MOST_ESTIMATES],
        further_cards=len(cards[MOST_ESTIMATES:]),
        emulated=_emulated(inputs),
        steadiness=machines,
        together=together(machines),
        cautions=[*cautions(inputs.tables), *inputs.remarks],
        sections=_by_section(views),
        sentences={
            "end_to_end": agreement_sentences(inputs.tables.get("end_to_end")),
            "sum_error": error_sentences(inputs.tables.get("sum_error")),
            "against_fp32": data_type_sentences(inputs.tables.get("against_fp32")),
        },
        plots=_plots(inputs.plots),
        facts=[_card_of_facts(facts) for facts in inputs.facts],
        installs=[_card_of_facts(facts) for facts in _distinct(inputs.installs)],
    )
    path.write_text(html, encoding="utf-8")


def _by_section(views: Iterable[TableView]) -> dict[str, list[TableView]]:
    sections: dict[str, list[TableView]] = {
        name: [] for name in ("libraries", "data_types", "first", "tables", "failures", "device")
    }
    for view in views:
        sections[view.table.section].append(view)
    return sections


def capitalised(text: str) -> str:
    """A sentence's first letter, and its full stop; nothing stays nothing."""
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _study_of(figures: pd.DataFrame | None, row: Mapping[Any, Any]) -> str:
    """The study's own figure for the network of an estimate, in words."""
    keys = ("network", "platform", "library", "batch_size", "data_type")
    for figure in () if figures is None else figures.to_dict("records"):
        same = all(figure[key] == row[key] for key in keys)
        if same and threads_text(figure) == threads_text(row):
            return study_text(figure)
    return ""


def _cards(tables: Mapping[str, pd.DataFrame]) -> list[_Card]:
    if "estimate" not in tables:
        return []
    cards = []
    for row, _ in best_estimates(tables):
        partial = row["covered_layers"] < row["layers"]
        more = row["extrapolated_total_us"]
        cards.append(
            _Card(
                network=str(row["network"]),
                where=f"{row['platform']} · {row['library']} · batch {row['batch_size']}, "
                f"{row['data_type']}{threads_text(row)}",
                total=duration(row["total_us"]),
                interval=interval_text(row),
                coverage=coverage_text(row) + clean_text(row),
                extrapolated=duration(more) if partial and not pd.isna(more) else "",
                by_minimum=duration(row["total_min_us"]),
                measured=capitalised(measured_text(row)),
                study=capitalised(_study_of(tables.get("study_figure"), row)),
            )
        )
    return cards


def _emulated(inputs: ReportInputs) -> list[str]:
    """Platforms of which figures on the page come from an emulator."""
    names = {
        str(facts.get("platform") or facts.get("board") or "a board")
        for facts in inputs.facts
        if facts.get("emulated") is True
    }
    for table in inputs.tables.values():
        if "platform" in table.columns:
            marked = table["platform"].dropna().astype(str)
            names |= {name.removesuffix(" (emulated)") for name in marked[
                marked.str.endswith("(emulated)")]}  # fmt: skip
    return sorted(names)


# -- plots ---------------------------------------------------------------------------------


def _embedded(path: Path) -> Download:
    kind = {".svg": "image/svg+xml", ".png": "image/png"}[path.suffix]
    data = base64.b64encode(path.read_bytes()).decode()
    return Download(path.name, f"data:{kind};base64,{data}")


def _plots(plots: Sequence[tuple[str, str, Path, Path]]) -> dict[str, list[_Plot]]:
    """Plots by category; on show is the smaller of the two files, the other lies beside."""
    found: dict[str, list[_Plot]] = {}
    for index, (caption, category, svg, png) in enumerate(plots):
        shown, other = sorted((svg, png), key=lambda path: path.stat().st_size)
        beside = Download(other.name, f"plots/{quote(other.name)}")
        found.setdefault(category, []).append(
            _Plot(f"plot-{index}", caption, _embedded(shown), beside)
        )
    return found


# -- facts ---------------------------------------------------------------------------------


def _distinct(installs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for install in installs:
        if install not in found:
            found.append(install)
    return found


def _card_of_facts(facts: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """A heading for a record of facts, and its leaves as (path, text)."""
    names = [facts.get(key) for key in ("platform", "name", "library", "version", "board")]
    heading = " · ".join(dict.fromkeys(name for name in names if isinstance(name, str) and name))
    return heading or "facts", list(_leaves(facts, ""))


def _leaves(value: Any, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path} › {key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        for index, inner in enumerate(value, start=1):
            yield from _leaves(inner, f"{path} {index}")
    elif isinstance(value, list):
        yield path, ", ".join(str(item) for item in value) or "none"
    elif isinstance(value, bool):
        yield path, "yes" if value else "no"
    else:
        yield path, "not known" if value in (None, "", {}) else str(value)
