"""The committed JSON schemas are those of the models, and the shipped files satisfy them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from nntest.config.schemas import MODELS, schema_text

HOME = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", MODELS)
def test_the_committed_schema_is_the_models(kind: str) -> None:
    committed = (HOME / "workflow" / "schemas" / f"{kind}.schema.json").read_text("utf-8")
    assert committed == schema_text(kind), "run `make schemas`"


@pytest.mark.parametrize(
    "path",
    [HOME / "config/config.yaml", *sorted((HOME / "config").glob("*/*.yaml"))],
    ids=lambda path: str(path.relative_to(HOME)),
)
def test_a_shipped_file_satisfies_its_schema(path: Path) -> None:
    kinds = {
        "boards": "board", "libraries": "library", "networks": "network", "platforms": "platform",
    }  # fmt: skip
    kind = kinds.get(path.parent.name, "config")
    schema = json.loads(schema_text(kind))
    jsonschema.validate(yaml.safe_load(path.read_text("utf-8")), schema)
