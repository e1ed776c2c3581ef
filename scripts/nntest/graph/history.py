"""What a run's place in the history depends on."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from nntest.config import Study
from nntest.graph.tables import networks_spec


def history_spec(study: Study) -> dict[str, Any]:
    """The study's name, and for each network what identifies how it was measured.

    Times are comparable if the layers, the operators and settings to choose from, and the way to
    measure are the same; not for another number of repetitions, seed or order.
    """
    config = study.config
    how = {
        "operators": config.operators,
        "tuners": config.tuners,
        "padding": config.padding,
        "activations": config.activations,
        "warmups": config.warmups,
        "choices": config.end_to_end_choices,
    }
    return {
        "study": study.name,
        "comparable": {
            name: _short_hash([layers, how]) for name, layers, *_ in networks_spec(study.networks)
        },
    }


def _short_hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
