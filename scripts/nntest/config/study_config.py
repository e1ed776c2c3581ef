"""`config/config.yaml`: what to measure, as the user wrote it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from nntest.config.comparison import ComparisonConfig
from nntest.config.fields import Name, Strict
from nntest.config.instruments import Profile
from nntest.config.layer_sum_check import LayerSumCheck
from nntest.config.library import Operator, Tuner, Warmup
from nntest.config.long_runs import Duration, RequestRuns
from nntest.config.meters import EnergyRuns
from nntest.config.network import Size
from nntest.config.plot_options import PlotOptions
from nntest.config.precision import Budget, Precision
from nntest.config.published import PublishedFile
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
    scaling: PlotOptions = PlotOptions()
    comparison: PlotOptions = PlotOptions()
    drift: PlotOptions = PlotOptions()
    sustained: PlotOptions = PlotOptions()
    roofline: PlotOptions = PlotOptions()
    prediction: PlotOptions = PlotOptions()
    layer_sum_check: PlotOptions = PlotOptions()
    trade_offs: PlotOptions = PlotOptions()


class StudyConfig(Strict):
    """`config/config.yaml`, with what the command line changed in it."""

    study: Name = Field(description="name of the study; results go to results/<study>/")
    networks: list[str] = Field(
        min_length=1, description="names, or paths of network files, or of ONNX or TFLite files"
    )
    inputs: dict[str, list[Size]] = Field(
        default_factory=dict,
        description="sizes of inputs of ONNX files, e.g. x: [1, 3, 480, 640], beside those that "
        "the networks' own files give, and over them",
    )
    predict: list[str] = Field(
        default_factory=list,
        description="networks that are not measured, but predicted from the layers that are",
    )
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
    cores: list[Name] = Field(
        default_factory=list,
        description="sets of cores, by the names that the boards' files give them, with which "
        "every point is measured; default: any core",
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
    loop_s: float = Field(
        default=0.0,
        ge=0,
        le=60,
        description="a repetition shorter than this is as many runs in a row as take so long, and "
        "its time is their mean; 0: each repetition is one run",
    )
    warmups: list[Warmup] = Field(
        default_factory=list,
        description="warm-up policies under which every point is measured, in one mixed order; "
        "default: each library's own",
    )
    profile: Profile = Field(
        default="none",
        description="what is recorded of every point in further, profiled runs: kernels, counters, "
        "energy",
    )
    profile_repetitions: int = Field(
        default=3, ge=1, le=1000, description="repetitions of each profiled point"
    )
    energy: EnergyRuns = Field(default=EnergyRuns(), description="the runs of `profile: energy`")
    streams: list[Annotated[int, Field(ge=1, le=256)]] = Field(
        default_factory=list,
        description="numbers of requests that whole networks are to take at once, each with "
        "`threads` threads, in `profile_repetitions` further runs; needs `end_to_end`",
    )
    stream_runs: RequestRuns = Field(default=RequestRuns(), description="the runs of `streams`")
    sustained: Duration = Field(
        default=None,
        description="run each whole network on and on for so long, after all else: 30 min; needs "
        "`end_to_end`",
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
        description="whether inference libraries (kinds pip and armnn) measure layers, and "
        "networks, with the networks' activations; other kinds have none",
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
    power_limit_w: float | None = Field(
        default=None,
        gt=0,
        description="configurations that take more, or of which it is unknown, are on none",
    )
    memory_limit_mb: float | None = Field(
        default=None, gt=0, description="the same of the memory of a configuration"
    )
    traffic_model: TrafficModel = Field(
        default="weights-and-activations",
        description="what counts as memory traffic, for intensities, roofs and predictions",
    )

    @property
    def limits(self) -> dict[str, float | None]:
        """The limits of configurations, by the column of their table."""
        return {
            "latency_ms": self.latency_limit_ms,
            "power_w": self.power_limit_w,
            "memory_mb": self.memory_limit_mb,
        }

    @field_validator(
        "platforms",
        "networks",
        "predict",
        "boards",
        "libraries",
        "operators",
        "tuners",
        "batch_sizes",
        "threads",
        "cores",
        "streams",
        "end_to_end_choices",
        "warmups",
    )
    @classmethod
    def _no_twins(cls, values: list[object]) -> list[object]:
        twins = sorted({str(value) for value in values if values.count(value) > 1})
        if twins:
            raise ValueError(f"listed twice: {', '.join(twins)}")
        return values
