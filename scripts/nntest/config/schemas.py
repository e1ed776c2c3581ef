"""JSON schemas of the config files, made from the models (run as a module to write them)."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from nntest.config.board import Board
from nntest.config.library import Library
from nntest.config.network import NetworkFile
from nntest.config.platform import Platform
from nntest.config.pool import Pool
from nntest.config.study_config import StudyConfig

MODELS: dict[str, type[BaseModel]] = {
    "config": StudyConfig,
    "board": Board,
    "library": Library,
    "network": NetworkFile,
    "platform": Platform,
    "pool": Pool,
}


def schema_text(kind: str) -> str:
    """The JSON schema of one kind of file, as it is written under workflow/schemas/."""
    schema = MODELS[kind].model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    # The name of these files is their file name; it need not be in them.
    if kind != "config":
        schema["required"] = [key for key in schema.get("required", []) if key != "name"]
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def write_schemas(folder: Path) -> None:
    """Write every schema as ``<kind>.schema.json``."""
    for kind in MODELS:
        (folder / f"{kind}.schema.json").write_text(schema_text(kind), encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(__file__).parents[3] / "workflow" / "schemas")
