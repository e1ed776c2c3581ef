"""Sizes of inputs that the config gives to the ONNX files of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nntest.config.network import NetworkFile, OnnxFile
from nntest.errors import UserError


def with_inputs(
    files: Iterable[NetworkFile], given: Mapping[str, Sequence[int]]
) -> tuple[NetworkFile, ...]:
    """Network files, of which those from ONNX have the sizes of inputs of theirs.

    They go over what a network's own file says.  Raises `UserError` for an input that none has.
    """
    if not given:
        return tuple(files)
    # Not at the top: importing onnx takes half a second, and few studies need it.
    from nntest.domain.onnx_files.input_sizes import input_names

    sized, known = [], dict[str, None]()
    for file in files:
        definition = file.definition
        if isinstance(definition, OnnxFile):
            names = input_names(definition.file)
            known.update(dict.fromkeys(names))
            own = {name: list(sizes) for name, sizes in given.items() if name in names}
            inputs = {**definition.inputs, **own}
            definition = definition.model_copy(update={"inputs": inputs})
            file = file.model_copy(update={"definition": definition})
        sized.append(file)
    for name in given:
        if name not in known:
            raise UserError(
                f"config: inputs: no ONNX file of the study has an input '{name}'",
                f"they have {', '.join(known)}" if known else "none of its networks is from ONNX",
            )
    return tuple(sized)
