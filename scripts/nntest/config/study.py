"""A study: what to measure, as the user wrote it, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, field_validator

from nntest.config.board import Board
from nntest.config.comparison import ComparisonConfig
from nntest.config.fields import Name, Strict
from nntest.config.instruments import Instrument, Profile, instruments_of
from nntest.config.layer_sum_check import LayerSumCheck
from nntest.config.library import Library, Operator, Tuner, Warmup
from nntest.config.network import NetworkFile
from nntest.config.platform import Platform
from nntest.config.plot_options import PlotOptions
from nntest.config.precision import Budget, Precision
from nntest.config.published import PublishedFile
from nntest.domain.network_points import NetworkPoint, threads_variable
from nntest.domain.networks import Network
from nntest.domain.tensors import CEILINGS, NETWORK, NO_ACTIVATION, NODE, OPERATOR_SPECIES, Tensor
from nntest.domain.traffic import TrafficModel

EndToEndChoice = Literal["SCHEDULE", "NONE", "DEFAULT", "CUSTOM", "BIFROST"]
"""What the layers of a whole network run with: each its fastest, or a tuner for all."""


class SpeedupBaseline(Strict):
    """What speedups are over."""

    operator: Operator = "directconv"
    tuner: Tuner = "NONE"


class PlotRequests(Strict):
    """Options of each kind of picture."""

    violin: PlotOptions = PlotOptions()
    speedup: PlotOptions = PlotOptions()
    layers: PlotOptions = PlotOptions()
    end_to_end: PlotOptions = PlotOptions()
    comparison: PlotOptions = PlotOptions()
    roofline: PlotOptions = PlotOptions()
    prediction: PlotOptions = PlotOptions()
    layer_sum_check: PlotOptions = PlotOptions()
    trade_offs: PlotOptions = PlotOptions()


class StudyConfig(Strict):
    """`config/config.yaml`, with what the command line changed in it."""

    study: Name = Field(description="name of the study; results go to results/<study>/")
    networks: list[str] = Field(min_length=1, description="names, or paths of network files")
    boards: list[str] = Field(default_factory=list, description="names, or paths of board files")
    libraries: list[str] = Field(
        default_factory=list, description="names, or paths of library files"
    )
    operators: list[Operator] = Field(min_length=1)
    tuners: list[Tuner] = Field(min_length=1)
    batch_sizes: list[Annotated[int, Field(ge=1, le=4096)]] = Field(default=[1], min_length=1)
    threads: list[Annotated[int, Field(ge=1, le=1024)]] = Field(
        default_factory=list,
        description="numbers of threads with which every point is measured; default: each "
        "library's own number, as a rule all cores",
    )
    repetitions: int = Field(default=10, ge=1, le=10_000)
    precision: Precision = Field(
        default=None,
        description="measure each point further, beyond `repetitions`, until the 95 % interval of "
        "its median is so narrow, or its time is up: 2 % (default: `repetitions` and no more)",
    )
    budget_s: Budget = Field(
        default=Budget(), description="seconds that `precision` may take: of a point, of the study"
    )
    warmups: list[Warmup] = Field(
        default_factory=list,
        description="warm-up policies under which every point is measured, in one mixed order; "
        "default: each library's own",
    )
    profile: Profile = Field(
        default="none",
        description="what is recorded of every point in further, profiled runs: kernels, counters",
    )
    profile_repetitions: int = Field(
        default=3, ge=1, le=1000, description="repetitions of each profiled point"
    )
    seed: int = Field(
        default=42,
        ge=0,
        description="seed of inputs, of the order of measuring, and of what the estimate draws",
    )
    baseline: SpeedupBaseline = SpeedupBaseline()
    imports: list[str] = Field(
        default_factory=list,
        description="CK archives made elsewhere: zips, folders or glob patterns",
    )
    merge: Literal["refuse", "keep-both"] = Field(
        default="refuse",
        description="when two archives contradict each other: an error, or both as repetitions",
    )
    share: Literal["results", "full"] = Field(
        default="results",
        description="results: archives, tables, pages and plans hold no login, host name, home "
        "folder or kernel build, so that they can be given away; full: as they are recorded",
    )
    synthetic_datasets: bool = Field(
        default=False, description="read points of CK-NNTest's synthetic data sets as well"
    )
    tensors: dict[str, list[str]] = Field(
        default_factory=dict, description="further tensors by species, beside the networks' own"
    )
    padding: Literal["study", "exact"] = Field(
        default="study",
        description="study: one symmetric pad, as CK-NNTest's data sets; exact: the layers' own",
    )
    activations: Literal["as-run", "none"] = Field(
        default="as-run",
        description="whether inference libraries (kind pip) measure layers, and networks, with "
        "the networks' activations; other kinds have none",
    )
    end_to_end: bool = Field(
        default=False,
        description="measure each network as a whole as well: all layers in one process, each "
        "with the operator and tuner that its own measurement chose",
    )
    end_to_end_choices: list[EndToEndChoice] = Field(
        default=["SCHEDULE"],
        min_length=1,
        description="SCHEDULE: the fastest of each layer; or a tuner for all layers",
    )
    sweep_by: Literal["board", "library", "operator-tuner"] = Field(
        default="library",
        description="library: one sweep interleaves all operators and tuners of a library, so "
        "that a drift of the machine meets all alike; board: those of all libraries of a board in "
        "one mixed order; operator-tuner: one sweep for each",
    )
    on_busy_board: Literal["wait", "fail", "take-over"] = Field(
        default="wait",
        description="when another run measures on the board: wait for it, fail with its "
        "owner's name, or stop it (what it measured stays in its journal)",
    )
    on_missing_board: Literal["leave-out", "fail"] = Field(
        default="leave-out",
        description="when a board, or a library on it, cannot be used and others of the study "
        "can: leave it out, name it, and end the run with an error after the report; or make none",
    )
    compare: ComparisonConfig | None = Field(
        default=None, description="compare with a baseline: another library, board or run"
    )
    layer_sum_check: LayerSumCheck | None = Field(
        default=None,
        description="check of layer sums: published layer times against published networks",
    )
    plots: PlotRequests = PlotRequests()
    platforms: list[str] = Field(
        default_factory=list,
        description="names, or paths of platform files, whose frames a second are predicted",
    )
    published: list[PublishedFile] = Field(
        default_factory=list, description="published measurement tables"
    )
    latency_limit_ms: float | None = Field(
        default=None, gt=0, description="slower configurations are on no Pareto front"
    )
    traffic_model: TrafficModel = Field(
        default="weights-and-activations",
        description="what counts as memory traffic, for intensities, roofs and predictions",
    )

    @field_validator(
        "platforms",
        "networks",
        "boards",
        "libraries",
        "operators",
        "tuners",
        "batch_sizes",
        "threads",
        "end_to_end_choices",
        "warmups",
    )
    @classmethod
    def _no_twins(cls, values: list[object]) -> list[object]:
        twins = sorted({str(value) for value in values if values.count(value) > 1})
        if twins:
            raise ValueError(f"listed twice: {', '.join(twins)}")
        return values


@dataclass(frozen=True)
class StudyPoint:
    """One thing to measure: an operator and tuner on a tensor at a batch size."""

    operator: str
    tuner: str
    tensor: Tensor
    batch_size: int
    warmup: Warmup = "always"
    profile: Instrument | None = None
    """What watches its runs; their times are then not measurements."""
    threads: int | None = None
    """How many the library is asked for; None: its own default."""

    @property
    def species(self) -> str:
        """Kind of operator."""
        return self.tensor.species

    @property
    def subject(self) -> str:
        """What is measured, by name."""
        return self.tensor.name

    def variables(self) -> dict[str, str]:
        """Environment variables that say what is measured."""
        return {**self.tensor.env(), **threads_variable(self.threads)}

    def tuners(self) -> list[str]:
        """The tuners that it runs with."""
        return [self.tuner]


@dataclass(frozen=True)
class Sweep:
    """The points that one job measures on one board with one library."""

    name: str
    board: Board
    library: Library
    points: tuple[StudyPoint | NetworkPoint, ...]


@dataclass(frozen=True)
class Study:
    """The config with every file that it names, checked."""

    config: StudyConfig
    boards: tuple[Board, ...]
    libraries: tuple[Library, ...]
    network_files: tuple[NetworkFile, ...]
    known_boards: tuple[Board, ...]
    """Every board file there is, measured in this study or not: they name platforms."""
    platforms: tuple[Platform, ...] = ()
    """Those that the config lists."""
    all_platforms: tuple[Platform, ...] = ()
    """Those and all that boards name; with published tables every platform file there is."""

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.config.study

    def board(self, name: str) -> Board:
        """A board of the study by its name."""
        return next(board for board in self.boards if board.name == name)

    def library(self, name: str) -> Library:
        """A library of the study by its name."""
        return next(library for library in self.libraries if library.name == name)

    def network_file(self, name: str) -> NetworkFile:
        """A network's file by its name."""
        return next(file for file in self.network_files if file.name == name)

    def sweep(self, name: str) -> Sweep:
        """A sweep of the study, of layers or of whole networks, by its name."""
        sweeps = (*self.sweeps(), *self.network_sweeps())
        return next(sweep for sweep in sweeps if sweep.name == name)

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The networks by their layers."""
        single_nodes = NODE in self.config.operators
        return tuple(file.build(single_nodes=single_nodes) for file in self.network_files)

    def with_activations(self, library: Library) -> bool:
        """Whether a library runs layers with their activations."""
        return library.kind == "pip" and self.config.activations == "as-run"

    def tensors(self, species: str, *, activations: bool = False) -> list[Tensor]:
        """Distinct tensors of a species over all networks and the config's own, in order."""
        found: dict[Tensor, None] = {}
        for network in self.networks:
            tensors = network.repeats(species, self.config.padding, activations=activations)
            found.update(dict.fromkeys(tensors))
        for name in self.config.tensors.get(species, []):
            tensor = Tensor.parse(species, name)
            if activations or tensor.activation == NO_ACTIVATION:
                found.setdefault(tensor)
        if species in CEILINGS and not found:
            found[Tensor(species, (CEILINGS[species],))] = None
        return list(found)

    def datasets(self) -> dict[str, str]:
        """CK-NNTest's data set that stands for each species in the archives."""
        named = [file.dataset for file in self.network_files if file.dataset]
        dataset = named[0] if len(named) == 1 and not self.config.tensors else f"tensor-{self.name}"
        return {
            species: dataset if species == "conv" else dataset.replace("-conv-", f"-{species}-")
            for species in {OPERATOR_SPECIES[operator] for operator in self.config.operators}
        }

    def libraries_of(self, board: Board) -> list[Library]:
        """The study's libraries that a board has."""
        return [
            library
            for library in self.libraries
            if (board.libraries is None or library.name in board.libraries)
            and (library.kind == "ck") == (board.harness == "ck")
        ]

    def platform_names(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """(board, platform name, model strings) of its boards and of those that name a model.

        Without imports only the study's own boards can turn up, and only they count: a board
        file that is merely there re-runs nothing.
        """
        others = self.known_boards if self.config.imports else ()
        boards = [*self.boards, *(board for board in others if board.platform.models)]
        names = {board.name: board.platform for board in boards}
        return [(board, named.name or "", tuple(named.models)) for board, named in names.items()]

    def top1_percent(self) -> dict[str, float]:
        """Published top-1 accuracy [%] of the networks that have one."""
        return {
            file.name: file.accuracy.top1_percent for file in self.network_files if file.accuracy
        }

    def points(self, library: Library) -> list[StudyPoint]:
        """Everything that a sweep of `library` measures; the profiled points come last."""
        warmups = self.config.warmups or [library.warmup]
        if library.kind == "ck":
            warmups = ["tuner-only"]  # the only one that its programs have
        timed = [
            StudyPoint(operator, tuner, tensor, batch_size, warmup, threads=threads)
            for threads in self.thread_counts
            for warmup in warmups
            for operator in self.config.operators
            if operator in library.operators
            for tuner in self._tuners(library, operator)
            for tensor in self.tensors(
                OPERATOR_SPECIES[operator], activations=self.with_activations(library)
            )
            # A node computes in its own types, whatever the library is asked for.
            if tensor.node is None or tensor.node.data_type in ("", library.data_type)
            for batch_size in (
                # A node's tensor has its batch.
                [1] if OPERATOR_SPECIES[operator] in (*CEILINGS, NODE) else self.config.batch_sizes
            )
        ]
        # Profiled runs always warm up, so that what only a first run does is kept apart.
        profiled = dict.fromkeys(
            replace(point, warmup="always", profile=instrument)
            for instrument in instruments_of(self.config.profile, library.kind)
            for point in timed
        )
        return [*timed, *profiled]

    def _tuners(self, library: Library, operator: str) -> list[str]:
        """The study's tuners that an operator has; a ceiling has none to be asked for."""
        offered = library.operators[operator].tuners
        if OPERATOR_SPECIES[operator] in CEILINGS:
            return list(offered)
        return [tuner for tuner in self.config.tuners if tuner in offered]

    @property
    def thread_counts(self) -> list[int | None]:
        """The numbers of threads of every point; None: each library's own."""
        return [*self.config.threads] or [None]

    def repetitions(self, point: StudyPoint | NetworkPoint) -> int:
        """How often a point is measured."""
        return self.config.repetitions if point.profile is None else self.config.profile_repetitions

    def seconds(self, sweep: Sweep) -> float | None:
        """What a sweep may take of its board's budget, by its share of the points; None: any.

        A whole network counts as much as its layers.
        """
        total = self.config.budget_s.study
        if total is None:
            return None
        sizes = {one.name: len(one.points) for one in self.sweeps() if one.board == sweep.board}
        layers = sum(len(network.layers) for network in self.networks)
        for one in self.network_sweeps():
            if one.board == sweep.board:
                each = self.network_point_count(one.library) // len(self.networks)
                sizes[one.name] = each * layers
        return total * sizes[sweep.name] / sum(sizes.values())

    def weight(self, point: StudyPoint | NetworkPoint, library: Library) -> int:
        """How often one of the networks runs a point, at most; of what none runs once."""
        if isinstance(point, NetworkPoint):
            return 1
        activations = self.with_activations(library)
        return max(
            network.repeats(point.species, self.config.padding, activations=activations).get(
                point.tensor, 1
            )
            for network in self.networks
        )

    def network_point_count(self, library: Library) -> int:
        """How many points a sweep of whole networks has, at most."""
        choices = len(self.config.batch_sizes) * len(self.thread_counts)
        return len(self.networks) * choices * len(self.network_choices(library))

    def sweeps(self) -> list[Sweep]:
        """The measuring jobs of the study."""
        sweeps = []
        for board in self.boards:
            for library in self.libraries_of(board):
                groups: dict[str, list[StudyPoint]] = {}
                for point in self.points(library):
                    if point.profile == "counters" and board.counters is None:
                        continue  # the sweep says so
                    name = f"{board.name}.{library.name}"
                    if self.config.sweep_by == "operator-tuner":
                        name += f".{point.operator}.{point.tuner}"
                    groups.setdefault(name, []).append(point)
                sweeps += [
                    Sweep(name, board, library, tuple(points)) for name, points in groups.items()
                ]
        return sweeps

    def network_sweeps(self) -> list[Sweep]:
        """The measuring jobs of whole networks; their points are not known yet."""
        return [
            Sweep(f"{board.name}.{library.name}.network", board, library, ())
            for board in self.boards
            for library in self.libraries_of(board)
            if self.config.end_to_end and library.kind != "ck"
        ]

    def beside(self, sweep: Sweep) -> list[Sweep]:
        """The sweeps that are measured with one in a mixed order: with `sweep_by: board` all others
        of the board that depend on nothing else; whole networks with whole networks.
        """
        if self.config.sweep_by != "board" or sweep.board.harness == "ck":
            return []
        for together in (
            self.sweeps(),
            [one for one in self.network_sweeps() if not one.library.chooses_by_layer],
        ):
            if any(one.name == sweep.name for one in together):
                same = [one for one in together if one.board == sweep.board]
                return [one for one in same if one.name != sweep.name]
        return []

    def network_choices(self, library: Library) -> list[str]:
        """What the layers of a whole network run with, by name, each a point of its own.

        Where nothing is chosen by layer, a choice for each tuner.
        """
        if library.chooses_by_layer:
            return list(self.config.end_to_end_choices)
        program = library.operators.get(NETWORK)
        return [tuner for tuner in self.config.tuners if program and tuner in program.tuners]
