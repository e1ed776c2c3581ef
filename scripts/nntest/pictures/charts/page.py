"""A page of charts that opens from disk without a network: script, data and styles inside."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nntest.domain.tables.csv_files import LARGE_CSV, csv_text

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Figure:
    """A chart of a page with the data behind it."""

    identity: str
    """Its anchor and the stem of its files."""
    title: str
    caption: str
    provenance: str
    """Where the data are from."""
    data: pd.DataFrame
    """What its CSV holds."""
    specification: dict[str, Any] | None = None
    """Vega-Lite; None: there is nothing to draw, and `caption` says why."""
    picture: Path | None = None
    """An SVG or PNG to show instead of a specification."""
    table: str = ""
    """The table beside the page that its data are from, linked where they are many."""


@dataclass(frozen=True)
class Page:
    """What is on a page."""

    title: str
    intro: str
    figures: Sequence[Figure]
    links: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """(label, relative address) of its sisters."""
    made_at: str = ""


@dataclass(frozen=True)
class Link:
    """A file to save."""

    name: str
    href: str
    said: str


@dataclass(frozen=True)
class _Shown:
    figure: Figure
    csv: Link
    image: str
    specification: Markup


def write_page(path: Path, page: Page) -> None:
    """Write `page` as one HTML file.

    Its content security policy lets it load nothing; Vega compiles expressions, so 'unsafe-eval'
    is granted to the script that is in the page.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("page.html.j2").render(
        page=page,
        shown=[_shown(figure) for figure in page.figures],
        css=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        vega=Markup(_vega()) if any(figure.specification for figure in page.figures) else "",
    )
    path.write_text(html, encoding="utf-8")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and vega-embed as one script."""
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("</script", "<\\/script")


def _shown(figure: Figure) -> _Shown:
    image = ""
    if figure.picture is not None:
        kind = "svg+xml" if figure.picture.suffix == ".svg" else "png"
        image = _data_uri(f"image/{kind}", figure.picture.read_bytes())
    # A "<" in a text of the data must not end the script that it stands in.
    specification = json.dumps(figure.specification, allow_nan=False).replace("<", "\\u003c")
    return _Shown(figure, _csv(figure), image, Markup(specification))


def _csv(figure: Figure) -> Link:
    """What saves the data of a figure: itself, or the table that they are from."""
    text = csv_text(figure.data).encode()
    if figure.table and len(text) > LARGE_CSV:
        return Link(f"{figure.table}.csv", f"../tables/{figure.table}.csv", "CSV of all rows")
    rows = f"CSV, {len(figure.data)} row{'s' * (len(figure.data) != 1)}"
    return Link(f"{figure.identity}.csv", _data_uri("text/csv;charset=utf-8", text), rows)


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
