"""A network as it runs whole: steps in order, each with the steps whose outputs it reads.

A step is a layer, or joins outputs element by element: `add`, `mul` (by a number for each channel,
too: squeeze and excite), `concat` of channels; `activation` is one that stands on its own, as
behind the sum of a residual block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

from nntest.domain.tensor_suffixes import ACTIVATIONS, NO_ACTIVATION
from nntest.domain.tensors import Tensor

ImageShape = tuple[int, int, int]
"""Channels, height, width."""

INPUT = ""
"""Instead of a step's name: the network's own input."""
JOINS = ("add", "mul", "concat", "activation")
"""Kinds of steps that are no layers."""


@dataclass(frozen=True)
class Step:
    """One step; `inputs` names the steps that it reads."""

    name: str
    kind: str
    """A layer's species, or one of `JOINS`."""
    inputs: tuple[str, ...]
    tensor: Tensor | None = None
    """Of a layer, with its true padding and without an activation."""
    activation: str = NO_ACTIVATION
    """Applied to its output."""

    @property
    def as_run(self) -> Tensor:
        """A layer's tensor with its activation."""
        assert self.tensor is not None  # of no join is it asked
        return replace(self.tensor, activation=self.activation)


class _Misfit(Exception):
    """Why a step cannot be computed from what it reads."""


def why_no_graph(steps: Sequence[Step]) -> str:
    """Why steps cannot run as one network with one input and one output; empty if they can."""
    try:
        output_shapes(steps)
    except _Misfit as misfit:
        return str(misfit)
    read = {name for step in steps for name in step.inputs}
    unread = [step.name for step in steps[:-1] if step.name not in read]
    return f"no step reads {', '.join(unread)}" if unread else ""


def is_chain(steps: Sequence[Step]) -> bool:
    """Whether all are layers, each of which reads the one before it."""
    names = [INPUT, *(step.name for step in steps)]
    return all(
        step.tensor is not None and step.inputs == (before,)
        for before, step in zip(names, steps, strict=False)
    )


def input_numbers(steps: Sequence[Step], step: Step) -> list[int]:
    """Where among the steps are those that one reads; -1 for the network's input."""
    numbers = {INPUT: -1, **{other.name: index for index, other in enumerate(steps)}}
    return [numbers[name] for name in step.inputs]


def output_shapes(steps: Iterable[Step]) -> dict[str, ImageShape]:
    """The shape of every step's output, and of the input; raises `_Misfit`."""
    shapes: dict[str, ImageShape] = {}
    for step in steps:
        if step.inputs == (INPUT,) and step.tensor is not None:
            shapes.setdefault(INPUT, step.tensor.in_shape)
        unknown = [name for name in step.inputs if name not in shapes]
        if unknown or not step.inputs:
            raise _Misfit(f"{step.name} reads what no step before it gives: {unknown}")
        given = [shapes[name] for name in step.inputs]
        shapes[step.name] = _joined(step, given) if step.tensor is None else _layer(step, given)
    return shapes


def _layer(step: Step, given: Sequence[ImageShape]) -> ImageShape:
    """A fully connected layer takes an output of as many elements in any shape."""
    assert step.tensor is not None
    taken = step.tensor.in_shape
    flat = step.kind == "fullyconnected" and prod(given[0]) == prod(taken)
    if len(given) != 1 or (given[0] != taken and not flat):
        texts = ", ".join(map(_text, given))
        raise _Misfit(
            f"{step.name} takes {_text(taken)}, but {', '.join(step.inputs)} gives {texts}"
        )
    return step.tensor.out_shape


def _joined(step: Step, given: Sequence[ImageShape]) -> ImageShape:
    first, *others = given
    if step.kind == "activation":
        fits = not others and step.activation in ACTIVATIONS
    elif step.kind == "concat":
        fits = all(shape[1:] == first[1:] for shape in others)
    elif step.kind == "mul":  # the second one may be a number for each channel
        fits = len(others) == 1 and others[0] in (first, (first[0], 1, 1))
    else:
        fits = len(others) > 0 and all(shape == first for shape in others)
    if not fits or (step.kind != "activation" and step.activation != NO_ACTIVATION):
        raise _Misfit(f"{step.name} ({step.kind}) does not take {', '.join(map(_text, given))}")
    if step.kind == "concat":
        return sum(shape[0] for shape in given), *first[1:]
    return first


def chained(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, each of which reads the one before it."""
    listed = list(steps)
    yield from (replace(step, inputs=(INPUT,)) for step in listed[:1])
    yield from (replace(step, inputs=(before.name,)) for before, step in pairwise(listed))


def _text(shape: ImageShape) -> str:
    return "x".join(map(str, shape))
