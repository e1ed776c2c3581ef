"""The texts of a capsule: what reproduces one point of an inference library without this project.

A capsule is a folder to attach to a report at the library's own project.  Its script needs NumPy
and the library, and has the point's settings written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from nntest.analysis.points import MeasuredPoint
from nntest.domain.tensors import NETWORK

SCRIPT = "reproduce.py"
LIBRARIES = ("onnxruntime", "litert", "openvino", "ncnn")
"""Those whose model is a file that the library itself reads."""

_LEVELS = {"none": "DISABLE_ALL", "basic": "ENABLE_BASIC", "extended": "ENABLE_EXTENDED"}
_RESOLVERS = {"builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}

_HEAD = '''\
"""{title}

Checks every output and times runs: python {script} [RUNS]
"""
import os, sys, time
{environment}import numpy as np
'''
_TAIL = """\
run()
times, largest, tolerance = [], 0.0, {tolerance!r}
for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 100):
    start = time.perf_counter()
    run()
    times.append(time.perf_counter() - start)
    difference = np.abs(np.array(result(), float).reshape(expected.shape) - expected).max()
    largest = np.maximum(largest, difference)  # NaN stays NaN
low, middle = min(times) * 1e6, np.median(times) * 1e6
print(f"{{len(times)}} runs: min {{low:.1f}} us, median {{middle:.1f}} us")
print(f"largest difference {{largest:.3g}}, allowed {{tolerance:.3g}}")
sys.exit(0 if largest <= tolerance else "wrong output")
"""
_LOAD = 'source, expected = np.load("input.npy"), np.load("expected.npy")\n'

_OUTPUT_TYPE = "np.float32 if expected.dtype == np.float64 else expected.dtype"
"""Right floats are float64, right integers of the model's own type."""

_README = """\
{title}
{line}

    python3 -m venv venv
    venv/bin/pip install --ignore-requires-python -r requirements.txt
    venv/bin/python {script} 200

One {kind} as a model of its own (model.*), its input (input.npy), and the right output, computed
in double precision (expected.npy).  Weights and input are drawn from the seed {seed}, uniformly
(numpy.random.default_rng).

Measured
  {times}
  {runs}, after {warmups} warm-up runs in each
  {threads}
Machine
  {machine}
  {system}
  Python {python}
Environment
{environment}Settings
{options}Point
{point}"""


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"  {name}={value}\n" for name, value in sorted(values.items())) or "  none\n"


@dataclass(frozen=True)
class Capsule:
    """What an archive says of one point."""

    point: MeasuredPoint
    state: Mapping[str, Any]
    """`run_time_state` of its last repetition."""
    entry: Mapping[str, Any]
    """`nntest_flow` of its entry's meta."""
    features: Mapping[str, Any]
    variables: Mapping[str, Any]
    """Environment variables that describe the point."""
    package: str
    """The library's name in the package index."""

    @property
    def library(self) -> str:
        """The adapter's name."""
        return str(self.state["library"]["name"])

    @property
    def title(self) -> str:
        """Which point of which library."""
        point, version = self.point, self.state["library"]["version"]
        batch = f", batch {point.batch_size}" if point.batch_size != 1 else ""
        return f"{point.choice} {point.tensor}{batch}, {self.library} {version}"

    @property
    def threads(self) -> int:
        """Threads that the library was asked for."""
        return int(self.state["threads"]["asked"])

    @property
    def half(self) -> bool:
        """Whether it computes in half precision."""
        return bool(self.state["data_bits"] == 16)

    @property
    def options(self) -> dict[str, Any]:
        """The library's own options."""
        said = self.state["tuner"]["options"]
        return {key: value for key, value in said.items() if not key.startswith("env:")}

    @property
    def environment(self) -> dict[str, str]:
        """Variables that decide how the library's threads run and wait, as they were."""
        recorded = self.state.get("process_environment") or {}
        said = self.state["tuner"]["options"]
        asked = {k.removeprefix("env:"): v for k, v in said.items() if k.startswith("env:")}
        return {
            name: str(value) for name, value in {**recorded, **asked}.items() if value is not None
        }

    def script(self, tolerance: float) -> str:
        """The script that loads the model as it was measured, checks it and times it.

        `tolerance` is the largest |output - expected| that passes.
        """
        made = {
            "onnxruntime": self._onnxruntime,
            "litert": self._litert,
            "openvino": self._openvino,
            "ncnn": self._ncnn,
        }[self.library]()
        variables = f"os.environ.update({self.environment})\n" if self.environment else ""
        head = _HEAD.format(title=self.title, script=SCRIPT, environment=variables)
        library, body = made.split("\n", 1)
        return f"{head}{library}\n\n{_LOAD}{body}{_TAIL.format(tolerance=tolerance)}"

    def requirements(self) -> str:
        """Packages with the versions that were measured; at least the library's."""
        library = self.state["library"]
        packages = {"numpy": "", self.package: library["version"]}
        for name, version in library.get("packages", {}).items():
            packages[canonicalize_name(name)] = version
        packages.pop("pip", None)
        return "".join(
            f"{name}=={version}\n" if version else f"{name}\n"
            for name, version in sorted(packages.items())
        )

    def readme(self) -> str:
        """Versions, machine and the times that were measured."""
        sample, found = self.point.sample, self.point.sample.median_interval
        interval = f" (95 % interval {found.low:.1f} to {found.high:.1f})" if found.known else ""
        cpu, system = self.features["platform"]["cpu"], self.features["platform"]["os"]
        used = self.state["threads"]["used"] or "unknown"
        cores = f"{self.state['threads']['cores']} of {cpu['num_proc']}"
        emulated = self.entry.get("emulated")
        network = self.point.species == NETWORK
        what = self.point.tensor if network else None
        return _README.format(
            title=self.title,
            line="=" * len(self.title),
            script=SCRIPT,
            kind="whole network" if network else "operator",
            seed=self.state["rnd_seed"],
            times=f"median {sample.median:.1f} us{interval}, min {sample.minimum:.1f} us",
            runs=f"{len(sample.values)} runs in {self.point.processes or 'unknown'} processes",
            warmups=self.state["warmups"],
            threads=f"{self.threads} threads asked for, {used} used, on {cores} cores",
            machine=f"{cpu['name']}, {system['abi']}" + (", emulated" if emulated else ""),
            system=f"{system['name']}, {system['name_long']}",
            python=self.state["python"],
            environment=_lines(self.environment),
            options=_lines(self.options),
            point=f"  {what}\n" if what else _lines(self.variables),
        )

    def _onnxruntime(self) -> str:
        options = self.options
        level = _LEVELS.get(options["optimization"], "ENABLE_ALL")
        entries = {"session.intra_op.allow_spinning": str(int(options["spinning"]))}
        entries |= {key: str(value) for key, value in options.items() if "." in key}
        kind = "np.float16" if self.half else _OUTPUT_TYPE
        return f"""\
import onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = {self.threads}, 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_{level}
for name, value in {entries}.items():
    options.add_session_config_entry(name, value)
session = ort.InferenceSession("model.onnx", options, providers=["{options["provider"]}"])
output, binding = np.empty(expected.shape, {kind}), session.io_binding()
for bind, end, array in ((binding.bind_input, session.get_inputs()[0], source),
                         (binding.bind_output, session.get_outputs()[0], output)):
    bind(end.name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
run, result = lambda: session.run_with_iobinding(binding), lambda: output
"""

    def _litert(self) -> str:
        resolver = _RESOLVERS.get(self.options["kernels"], "BUILTIN")
        return f"""\
from ai_edge_litert.interpreter import Interpreter, OpResolverType
interpreter = Interpreter("model.tflite", num_threads={self.threads},
                          experimental_op_resolver_type=OpResolverType.{resolver})
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], source)
result = interpreter.tensor(interpreter.get_output_details()[0]["index"])
run = interpreter.invoke
"""

    def _openvino(self) -> str:
        properties = {
            "INFERENCE_PRECISION_HINT": "f16" if self.half else "f32",
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
            **{key: value for key, value in self.options.items() if key.isupper()},
        }
        return f"""\
import openvino
properties = {properties}
request = openvino.Core().compile_model("model.onnx", "CPU", properties).create_infer_request()
output = np.empty(expected.shape, {_OUTPUT_TYPE})
request.set_input_tensor(openvino.Tensor(source, shared_memory=True))
request.set_output_tensor(openvino.Tensor(output, shared_memory=True))
def run():
    request.start_async()
    request.wait()
result = lambda: output
"""

    def _ncnn(self) -> str:
        options = self.options
        return f"""\
import ncnn
ncnn.set_cpu_powersave({options["powersave"]})
net = ncnn.Net()
net.opt.num_threads = {self.threads}
net.opt.use_winograd_convolution = {options["winograd"]}
net.opt.use_sgemm_convolution = {options["sgemm"]}
net.opt.use_packing_layout = {options["packing"]}
net.opt.use_bf16_storage = False
if hasattr(net.opt, "use_bf16_packed"):
    net.opt.use_bf16_packed = False
net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = {self.half}
assert net.load_param("model.param") == 0 and net.load_model("model.bin") == 0
source = ncnn.Mat(source).clone()
def run():
    global output
    extractor = net.create_extractor()
    extractor.input("input", source)
    output = extractor.extract("output")[1]
result = lambda: output
"""
