"""A study: what follows from the config and the files that it names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

from nntest.config.accuracy import IMAGES_EACH, Accuracy
from nntest.config.board import Board
from nntest.config.instruments import Instrument, instruments_of
from nntest.config.library import Library, Warmup
from nntest.config.network import NetworkFile
from nntest.config.platform import Platform
from nntest.config.pool import Pool
from nntest.config.study_config import StudyConfig
from nntest.domain.network_points import NetworkPoint, threads_variable
from nntest.domain.networks import Network
from nntest.domain.tensor_suffixes import NO_ACTIVATION
from nntest.domain.tensors import CEILINGS, NETWORK, NODE, OPERATOR_SPECIES, Tensor


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
    cores: str | None = None
    """Name of the board's set of cores that it stays on; None: any core."""

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
    """Of a pool's sweep the first of its boards, until the job has chosen one."""
    library: Library
    points: tuple[StudyPoint | NetworkPoint, ...]
    pool: Pool | None = None
    """Of whose boards any may measure it."""

    @property
    def place(self) -> str:
        """Name of its board, or of the pool."""
        return self.board.name if self.pool is None else self.pool.name

    @property
    def board_names(self) -> list[str]:
        """Names of the boards that may measure it."""
        return [self.board.name] if self.pool is None else self.pool.pool


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
    pools: tuple[Pool, ...] = ()
    """Their boards are among `boards`."""
    predict_files: tuple[NetworkFile, ...] = ()
    """Of networks that are predicted, and not measured."""

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.config.study

    def board(self, name: str) -> Board:
        """A board of the study by its name."""
        return next(board for board in self.boards if board.name == name)

    def places(self) -> list[tuple[Board, Pool | None]]:
        """Where sweeps are measured: boards on their own, and pools with their first boards."""
        pools = {name: pool for pool in self.pools for name in pool.pool}
        return [
            (board, pools.get(board.name))
            for board in self.boards
            if board.name not in pools or board.name == pools[board.name].pool[0]
        ]

    def library(self, name: str) -> Library:
        """A library of the study by its name."""
        return next(library for library in self.libraries if library.name == name)

    def network_file(self, name: str) -> NetworkFile:
        """A network's file by its name."""
        return next(file for file in self.network_files if file.name == name)

    def sweep(self, name: str) -> Sweep:
        """A sweep of the study, of layers or of whole networks, by its name."""
        sweeps = (*self.sweeps(), *self.network_sweeps(), *self.anchors())
        return next(sweep for sweep in sweeps if sweep.name == name)

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The networks by their layers."""
        single_nodes = NODE in self.config.operators
        return tuple(file.build(single_nodes=single_nodes) for file in self.network_files)

    @cached_property
    def predict(self) -> tuple[Network, ...]:
        """The networks that are predicted, by their layers."""
        single_nodes = NODE in self.config.operators
        return tuple(file.build(single_nodes=single_nodes) for file in self.predict_files)

    def with_activations(self, library: Library) -> bool:
        """Whether a library runs layers with their activations."""
        return library.is_framework and self.config.activations == "as-run"

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

    def accuracies(self) -> dict[str, Accuracy]:
        """Accuracies of the networks that have one, or images to measure it with."""
        return {file.name: file.accuracy for file in self.network_files if file.accuracy}

    def points(self, library: Library) -> list[StudyPoint]:
        """Everything that a sweep of `library` measures; the profiled points come last."""
        warmups = self.config.warmups or [library.warmup]
        if library.kind == "ck":
            warmups = ["tuner-only"]  # the only one that its programs have
        timed = [
            StudyPoint(operator, tuner, tensor, batch_size, warmup, threads=threads, cores=cores)
            for threads in self.thread_counts
            for cores in self.core_sets
            for warmup in warmups
            for operator in self.config.operators
            if operator in library.operators
            for tuner in self._tuners(library, operator)
            for tensor in self.tensors(
                OPERATOR_SPECIES[operator], activations=self.with_activations(library)
            )
            if library.is_framework or not tensor.beyond_ck
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

    @property
    def core_sets(self) -> list[str | None]:
        """The sets of cores of every point, by name; None: any core."""
        return [*self.config.cores] or [None]

    def has_images(self, network: str) -> bool:
        """Whether a network's accuracy is measured."""
        accuracy = self.accuracies().get(network)
        return accuracy is not None and accuracy.is_measured

    def repetitions(self, point: StudyPoint | NetworkPoint) -> int:
        """How often a point is measured; of an accuracy, in how many parts."""
        if point.profile == "accuracy":
            return ceil(len(self.accuracies()[point.subject].labelled_images()) / IMAGES_EACH)
        if point.profile is None:
            return self.config.repetitions
        return 1 if point.profile == "sustained" else self.config.profile_repetitions

    def aim(self, sweep: Sweep) -> dict[str, float | None]:
        """How sure a sweep's points are to be, as its plan says it; empty: `repetitions` alone."""
        anchor = any(sweep.name == one.name for one in self.anchors())
        if self.config.precision is None or sweep.board.harness == "ck" or anchor:
            return {}
        return {
            "precision": self.config.precision,
            "point_s": self.config.budget_s.point,
            "sweep_s": self.seconds(sweep),
        }

    def seconds(self, sweep: Sweep) -> float | None:
        """What a sweep may take of its board's budget, by its share of the points; None: any.

        A whole network counts as much as its layers.
        """
        total = self.config.budget_s.study
        if total is None:
            return None
        sizes = self._sizes_by_place[sweep.place]
        return total * sizes[sweep.name] / sum(sizes.values())

    @cached_property
    def _sizes_by_place(self) -> dict[str, dict[str, int]]:
        """How many points each sweep of a board or pool counts for, by the two's names."""
        sizes: dict[str, dict[str, int]] = {}
        for one in self.sweeps():
            sizes.setdefault(one.place, {})[one.name] = len(one.points)
        layers = sum(len(network.layers) for network in self.networks)
        for one in self.network_sweeps():
            each = self.network_point_count(one.library) // len(self.networks)
            sizes.setdefault(one.place, {})[one.name] = each * layers
        return sizes

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
        choices = len(self.config.batch_sizes) * len(self.thread_counts) * len(self.core_sets)
        return len(self.networks) * choices * len(self.network_choices(library))

    def sweeps(self) -> tuple[Sweep, ...]:
        """The measuring jobs of the study."""
        return self._sweeps

    @cached_property
    def _sweeps(self) -> tuple[Sweep, ...]:
        sweeps: list[Sweep] = []
        points_of = {library.name: self.points(library) for library in self.libraries}
        for board, pool in self.places():
            for library in self.libraries_of(board):
                groups: dict[str, list[StudyPoint]] = {}
                for point in points_of[library.name]:
                    if point.profile == "counters" and board.counters is None:
                        continue  # the sweep says so
                    name = f"{(pool or board).name}.{library.name}"
                    if self.config.sweep_by == "operator-tuner":
                        name += f".{point.operator}.{point.tuner}"
                    groups.setdefault(name, []).append(point)
                sweeps += [
                    Sweep(name, board, library, tuple(points), pool)
                    for name, points in groups.items()
                ]
        return tuple(sweeps)

    def anchors(self) -> list[Sweep]:
        """For each board of a pool a few points of one library, to compare the boards by.

        They have the identity that they have in the library's own sweep: the board that takes the
        library measures them once.
        """
        found = []
        for pool in self.pools:
            for board in map(self.board, pool.pool):
                library = self.libraries_of(board)[0]
                points = [point for point in self.points(library) if point.profile is None]
                last = len(points) - 1
                chosen = [points[index] for index in sorted({0, last // 2, last})]
                found.append(Sweep(f"{board.name}.{library.name}", board, library, tuple(chosen)))
        return found

    def network_sweeps(self) -> tuple[Sweep, ...]:
        """The measuring jobs of whole networks; their points are not known yet."""
        return self._network_sweeps

    @cached_property
    def _network_sweeps(self) -> tuple[Sweep, ...]:
        return tuple(
            Sweep(f"{(pool or board).name}.{library.name}.network", board, library, (), pool)
            for board, pool in self.places()
            for library in self.libraries_of(board)
            if self.config.end_to_end and library.kind != "ck"
        )

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
