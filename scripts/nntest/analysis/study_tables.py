"""The rooflines of a study: its boards, its platforms, its networks, its published tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nntest.analysis.published import against_roofs, overview, page, qutibench
from nntest.analysis.published.networks import Published, operations_of, published_networks
from nntest.analysis.published.repair import import_published
from nntest.analysis.roofline.boards import board_roofs
from nntest.analysis.roofline.ceilings import with_measured
from nntest.analysis.roofline.model import Roof, roofs_of
from nntest.analysis.roofline.tables import intensity_table, prediction, roof_table
from nntest.config.study import Study
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.published import MEASURED_OVER_PREDICTED, PAGE_ERRORS
from nntest.domain.traffic import TRAFFIC_MODELS

Frames = dict[str, pd.DataFrame]


def study_roofs(study: Study, frame: pd.DataFrame) -> list[Roof]:
    """The roofs that predictions are made for: the study's boards, then its platforms.

    `frame` is the measurement table, from which ceilings come that the study measured itself.
    """
    boards = with_measured(board_roofs(study), frame)
    own = [roof for board in study.boards for roof in boards.get(board.name, [])]
    return own + [roof for platform in study.platforms for roof in roofs_of(platform)]


def study_networks(study: Study) -> list[Network]:
    """The study's networks, then those of published tables that it does not have."""
    found = {network.name: network for network in study.networks}
    for network in published_networks().values() if study.config.published else ():
        found.setdefault(network.name, network)
    return list(found.values())


def roofline_tables(study: Study, frame: pd.DataFrame) -> Frames:
    """Roofs, intensities and predictions, by the names of the tables.

    Of the measurement table `frame` only the ceilings are used that the study measured itself.
    """
    roofs, networks = study_roofs(study, frame), study_networks(study)
    data_types = list(dict.fromkeys(roof.data_type for roof in roofs)) or ["fp32"]
    batches = sorted({1, *study.config.batch_sizes})
    return {
        "roofs": roof_table(roofs),
        "intensities": intensity_table(networks, data_types, TRAFFIC_MODELS, batches),
        "prediction": prediction(roofs, networks, TRAFFIC_MODELS, batches),
    }


def published_tables(study: Study) -> Frames:
    """What follows from the published tables of the config, by the names of the tables."""
    networks = published_networks()
    imported = import_published(
        study.config.published, study.all_platforms, operations_of(networks)
    )
    rows = imported.rows
    roofs = [roof for platform in study.all_platforms for roof in roofs_of(platform)]
    ratios = against_roofs.measured_over_predicted(rows, networks, roofs, TRAFFIC_MODELS)
    return {
        "published": rows,
        "published_findings": imported.findings,
        "published_filters": qutibench.filter_counts(rows),
        "published_overview": overview.overview(rows),
        "measured_over_predicted": ratios,
        "prediction_errors": against_roofs.error_summary(ratios),
        "page_errors": _page_errors(study, networks),
    }


def _page_errors(study: Study, networks: Published) -> pd.DataFrame:
    """The errors of the pages whose tables the config names, against the rows as published."""
    found = []
    for published in study.config.published:
        if published.tables is not None:
            raw = qutibench.read_raw(Path(published.file))
            rows = qutibench.typed(raw, study.all_platforms)
            found.append(page.page_errors(Path(published.tables), rows, networks))
    return pd.concat(found, ignore_index=True) if found else frame_of([], PAGE_ERRORS)


def best_shares(
    points: pd.DataFrame, ratios: pd.DataFrame | None, traffic_model: str
) -> pd.DataFrame:
    """Measured over predicted for the heat map: each network's best on each platform.

    From the study's own whole-network points (`roofline_points`) and from published tables
    (`measured_over_predicted`); columns `network`, `platform_file`, `data_type`, `ceiling`,
    `measured_over_predicted`.
    """
    names = ["network", "platform_file", "data_type", "ceiling", "measured_over_predicted"]
    own = points[(points["species"] == "network") & (points["traffic_model"] == traffic_model)]
    own = own.rename(columns={
        "tensor": "network", "board": "platform_file", "share_of_roof": "measured_over_predicted",
    })  # fmt: skip
    if ratios is None:
        ratios = frame_of([], MEASURED_OVER_PREDICTED)
    theirs = ratios[ratios["traffic_model"] == traffic_model]
    theirs = theirs.drop(columns="network").rename(columns={"network_file": "network"})
    both = pd.concat([own[names], theirs[names]], ignore_index=True)
    both = both[both["measured_over_predicted"].notna()]
    best = both.groupby(names[:-1], sort=False)["measured_over_predicted"].idxmax()
    return both.loc[best].reset_index(drop=True)
