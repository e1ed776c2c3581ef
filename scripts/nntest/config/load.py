"""Load a study: the config as Snakemake merged it, and every file that it names.

A name under `boards`, `libraries` or `networks` is looked up as ``config/<kind>/<name>.yaml``,
first in the working directory, then in the workflow's own folder; a value that ends in
``.yaml`` is a path, and under `networks` one that ends in ``.onnx`` or ``.tflite``, too.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from nntest.config.board import Board
from nntest.config.ck_check import check_ck
from nntest.config.library import Library
from nntest.config.network import GRAPH_FILES, NetworkFile
from nntest.config.network_inputs import with_inputs
from nntest.config.platform import Platform
from nntest.config.pool import Pool, check_pool
from nntest.config.study import Study
from nntest.config.study_check import check_study
from nntest.config.study_config import StudyConfig
from nntest.errors import UserError

Model = TypeVar("Model", bound=BaseModel)


def load_study(config: Mapping[str, Any], home: Path) -> Study:
    """The study that a merged config describes; `home` is the workflow's own top folder.

    Raises `UserError` that names the file and the key, with a hint.
    """
    settings = validated(StudyConfig, dict(config), "config")
    folders = [Path("config"), home / "config"]
    boards, pools = _load_boards(settings.boards, folders)
    study = Study(
        config=settings,
        boards=tuple(boards),
        libraries=tuple(
            _load_named(Library, "libraries", entry, folders) for entry in settings.libraries
        ),
        network_files=with_inputs(
            (_load_network(entry, folders) for entry in settings.networks), settings.inputs
        ),
        known_boards=tuple(_known_boards(boards, folders)),
        platforms=tuple(
            _load_named(Platform, "platforms", entry, folders) for entry in settings.platforms
        ),
        pools=tuple(pools),
        predict_files=tuple(
            _load_named(NetworkFile, "networks", entry, folders) for entry in settings.predict
        ),
    )
    study = replace(study, all_platforms=tuple(_all_platforms(study, folders)))
    for kind, names in (
        ("boards", [file.name for file in study.boards] + [pool.name for pool in pools]),
        ("libraries", [file.name for file in study.libraries]),
        ("platforms", [file.name for file in study.platforms]),
        ("predict", [file.name for file in (*study.network_files, *study.predict_files)]),
    ):
        _refuse_twins(kind, names)
    _ = study.networks, study.predict  # what cannot be read is said now
    check_study(study)
    check_ck(study)
    _check_published(settings)
    return study


def load_network(path: Path) -> NetworkFile:
    """The network file at a path; `UserError` that names the file and the key."""
    return _load_named(NetworkFile, "networks", str(path), [])


def _load_network(entry: str, folders: Iterable[Path]) -> NetworkFile:
    """The network of an entry of `networks`: the name or path of its file, or a path of its graph.

    Raises `UserError`.
    """
    path = Path(entry)
    family = GRAPH_FILES.get(path.suffix)
    if family is None:
        return _load_named(NetworkFile, "networks", entry, folders)
    content = {"name": path.stem, "definition": {"family": family, "file": path.name}}
    return validated(NetworkFile, content, entry, path.parent)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping; `UserError` with the line of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"{path}: cannot be read: {reason}") from None
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: of a date that is none; RecursionError: brackets in brackets, by the thousand.
        raise UserError(f"{path}: not valid YAML: {_yaml_problem(error)}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected `key: value` lines")
    return content


def _yaml_problem(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return str(error)


def _load_named(model: type[Model], kind: str, entry: str, folders: Iterable[Path]) -> Model:
    path = _find(kind, entry, folders)
    return _named(model, path, read_yaml(path))


def _named(model: type[Model], path: Path, content: dict[str, Any]) -> Model:
    """The content of a file at a path as a model, named as the file is."""
    content.setdefault("name", path.stem)
    loaded = validated(model, content, str(path), path.parent)
    if content["name"] != path.stem:
        raise UserError(
            f"{path}: name is '{content['name']}', but the file is {path.name}",
            "remove `name`, or rename the file",
        )
    return loaded


def _load_boards(entries: Iterable[str], folders: Sequence[Path]) -> tuple[list[Board], list[Pool]]:
    """The boards, those of pools among them, and the pools."""
    boards, pools = [], []
    for entry in entries:
        path = _find("boards", entry, folders)
        content = read_yaml(path)
        if "pool" not in content:
            boards.append(_named(Board, path, content))
            continue
        pool = _named(Pool, path, content)
        members = [_load_named(Board, "boards", name, folders) for name in pool.pool]
        check_pool(pool, members)
        pools.append(pool)
        boards += members
    for pool in pools:
        for name in pool.pool:
            if [board.name for board in boards].count(name) > 1:
                raise UserError(
                    f"config: boards: {name} is in pool {pool.name}, and is named a second time",
                    f"take it out of the pool ({pool.name}.yaml), or out of the other place",
                )
    return boards, pools


def _find(kind: str, entry: str, folders: Iterable[Path], where: str | None = None) -> Path:
    if entry.endswith((".yaml", ".yml")):
        path = Path(entry)
        if not path.is_file():
            raise UserError(f"config: {kind}: there is no file {entry}")
        return path
    available: set[str] = set()
    for folder in folders:
        path = folder / kind / f"{entry}.yaml"
        if path.is_file():
            return path
        available |= {file.stem for file in (folder / kind).glob("*.yaml")}
    close = difflib.get_close_matches(entry, sorted(available), n=1)
    raise UserError(
        f"{where or f'config: {kind}'}: '{entry}' has no file config/{kind}/{entry}.yaml",
        f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(sorted(available))}",
    )


def _known_boards(boards: Iterable[Board], folders: Iterable[Path]) -> Iterable[Board]:
    """The study's boards, then every other board file (a broken one that is not used is left)."""
    known = {board.name: board for board in boards}
    for folder in folders:
        for path in sorted((folder / "boards").glob("*.yaml")):
            if path.stem not in known:
                try:
                    known[path.stem] = _load_named(Board, "boards", str(path), [])
                except UserError:
                    continue
    return known.values()


def _all_platforms(study: Study, folders: Iterable[Path]) -> Iterable[Platform]:
    """The platform files that boards name, and with published tables every one there is.

    What a board of the study names must be there and be right; other boards, which imports may
    speak of, go without if theirs is not.
    """
    found: dict[str, Platform] = {platform.name: platform for platform in study.platforms}
    for board in study.boards:
        if (name := board.platform.ceilings) is not None and name not in found:
            path = _find("platforms", name, folders, f"board {board.name}: platform.ceilings")
            found[name] = _load_named(Platform, "platforms", str(path), [])
    others = study.known_boards if study.config.imports else ()
    wanted = {board.platform.ceilings for board in others}
    for folder in folders if wanted or study.config.published else ():
        for path in sorted((folder / "platforms").glob("*.yaml")):
            if path.stem not in found and (path.stem in wanted or study.config.published):
                try:
                    found[path.stem] = _load_named(Platform, "platforms", str(path), [])
                except UserError:
                    if study.config.published:
                        raise
    return found.values()


def _check_published(settings: StudyConfig) -> None:
    for index, published in enumerate(settings.published):
        where = f"config: published[{index}]"
        if not Path(published.file).is_file():
            raise UserError(
                f"{where}: there is no file {published.file}",
                "paths are relative to the folder where snakemake runs",
            )
        if published.tables is not None and not Path(published.tables).is_dir():
            raise UserError(f"{where}: tables: there is no folder {published.tables}")


def _refuse_twins(kind: str, names: list[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise UserError(f"config: {kind}: two files are both named {', '.join(twins)}")


def validated(
    model: type[Model], content: Mapping[str, Any], where: str, folder: Path | None = None
) -> Model:
    """Content as a model; one `UserError` with all that is wrong, by key, behind `where`.

    `folder`: what paths in the content are relative to.
    """
    try:
        return model.model_validate(content, context={"folder": folder or Path()})
    except ValidationError as error:
        raise UserError(_complaints(error, model, where)) from None


def _complaints(error: ValidationError, model: type[BaseModel], where: str) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        key = _key_path(problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = _keys_at(model, problem["loc"])
            close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(known)}"
            lines.append(f"{where}: unknown key `{key}` ({hint})")
        elif problem["type"] == "missing":
            lines.append(f"{where}: key `{key}` is missing")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            if not problem["loc"]:  # of keys that do not go together
                lines.append(f"{where}: {message}")
                continue
            lines.append(f"{where}: `{key}`: {message} (given: {problem['input']!r:.80})")
    return "\n  ".join(lines)


def _key_path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the schema knows where an unknown one was found."""
    schema: dict[str, Any] = model.model_json_schema()
    definitions = schema.get("$defs", {})
    node = schema
    for part in location[:-1]:
        node = _descend(node, part, definitions)
    return sorted(_resolve(node, definitions).get("properties", {}))


def _resolve(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        node = definitions[node["$ref"].rsplit("/", 1)[1]]
    return node


def _descend(
    node: Mapping[str, Any], part: int | str, definitions: Mapping[str, Any]
) -> dict[str, Any]:
    node = _resolve(node, definitions)
    if isinstance(part, int):
        return dict(node.get("items", {}))
    if part in node.get("properties", {}):
        return dict(node["properties"][part])
    mapping = node.get("discriminator", {}).get("mapping", {})
    if part in mapping:
        return {"$ref": mapping[part]}
    for option in node.get("anyOf", []):
        resolved = _resolve(option, definitions)
        if "properties" in resolved:
            return _descend(resolved, part, definitions)
    extra = node.get("additionalProperties")
    return dict(extra) if isinstance(extra, dict) else {}
