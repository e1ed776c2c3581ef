"""TVM: as its compiler makes it, or with schedules that MetaSchedule has searched for."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from failures import BadValue, NotSupported
from writers.relax import write_relax

from backends.base import PROFILED_RUNS, Backend, implementation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graph import Graph
    from point import Settings

WORK = "tmp-tvm"  # logs of the search
CANDIDATE_S = 300.0  # longest build, and longest run, of a candidate
MOVES = "reshape"  # functions that compute nothing begin with it


class Tvm(Backend):
    """`trials` is the budget of the search: candidates for each kernel; 0 searches nothing."""

    name, package, module = "tvm", "apache-tvm", "tvm"
    data_types = ("fp32", "fp16")
    options = {"trials": 0}
    settings = {"NONE": {}, "DEFAULT": {"trials": 32}}
    thread_variables = ("TVM_NUM_THREADS",)

    def take_options(self, chosen: Mapping[str, Any], count: int) -> dict[str, Any]:
        """See `Backend.take_options`; TVM would tie its threads to cores of its own choice."""
        if os.environ.get("NNTEST_CORES"):
            os.environ.setdefault("TVM_BIND_THREADS", "0")
        return super().take_options(chosen, count)

    def build(
        self, graph: Graph, threads: int, options: Mapping[str, Any], settings: Settings
    ) -> None:
        """Compile for this processor; what is searched for is kept in the tuner table's folder."""
        tvm = self.library
        relax = self.import_module("tvm.relax")
        codegen = self.import_module("tvm.target.codegen")
        machine = {
            "mcpu": codegen.llvm_get_system_cpu(),
            "mtriple": codegen.llvm_get_system_triple(),
        }
        target = tvm.target.Target({"kind": "llvm", "num-cores": threads, **machine})
        module = relax.get_pipeline("zero")(write_relax(graph, tvm))
        self._ran = [(name.name_hint, "untuned") for name, f in module.functions_items()
                     if name.name_hint != "main"]  # fmt: skip
        if options["trials"] > 0:
            module = self._tune(module, target, options["trials"], settings)
        with target:
            self._machine = relax.VirtualMachine(tvm.compile(module, target), tvm.cpu())
        kind = np.float16 if graph.data_type == "fp16" else np.float32
        source = np.ascontiguousarray(graph.input.reshape(graph.nodes[0].in_dims), kind)
        self._input, self._main = tvm.runtime.tensor(source), self._machine["main"]
        self._shape, self._result = graph.out_shape, None
        # Of branches TVM computes several in one function: whose is not known.
        self._layers = [node.name for node in graph.nodes] if graph.is_chain else []
        self._nan = np.full(graph.nodes[-1].out_dims, np.nan, kind)

    def run(self) -> None:
        """Run the module; the output is a new tensor, from TVM's pool."""
        self._result = self._main(self._input)

    def clear(self) -> None:
        """Fill the last output with NaN and give it back to the pool."""
        if self._result is not None:
            self._result.copyfrom(self._nan)
            self._result = None

    def output(self) -> np.ndarray[Any, Any]:
        """Return the output."""
        return np.asarray(self._result.numpy(), np.float32).reshape(self._shape)

    def kernels(self) -> dict[str, Any]:
        """Return the fused functions; a searched one has the hash of its schedule's trace.

        They come in the order of their calls, which is that of the layers: several may share one.
        """
        runs = [self._time_calls() for _ in range(PROFILED_RUNS)]
        names = [name for name, _ in runs[0]]
        computing = [place for place, name in enumerate(names) if not name.startswith(MOVES)]
        known = len(computing) == len(self._layers)
        layers = dict(zip(computing, self._layers)) if known else {}
        kernels, nodes = dict(self._ran), []
        for place, name in enumerate(names):
            found = [layers[place]] if place in layers else None
            nodes.append({
                "node": name,
                "kernel": kernels[name],
                "layers": [] if name.startswith(MOVES) else found,
                "seconds": min(run[place][1] for run in runs),
            })  # fmt: skip
        source = "functions of the compiled module"
        return implementation("reported", source, nodes, "calls")

    def _time_calls(self) -> list[tuple[str, float]]:
        """Return the functions that a run calls, in order, with their seconds."""
        known, found, start = dict(self._ran), [], 0.0

        def instrument(_: Any, name: str, before: bool, *__: Any) -> None:
            nonlocal start
            if name in known:
                now = time.perf_counter()
                if before:
                    start = now
                else:
                    found.append((name, now - start))

        self._machine.set_instrument(instrument)
        self.run()
        self._machine.set_instrument(None)
        return found

    def _tune(self, module: Any, target: Any, trials: int, settings: Settings) -> Any:
        """Search for what the database does not have, and return the module with its schedules."""
        load_intrinsics = _loader_of_intrinsics()
        load_intrinsics()
        schedule = self.import_module("tvm.s_tir.meta_schedule")
        tasks_of = self.import_module("tvm.s_tir.meta_schedule.relax_integration")
        database = self._database(schedule, target, settings)
        tasks = tasks_of.extract_tasks(module, target)

        def find(task: Any) -> Any:
            return database.query_tuning_record(task.dispatched[0], target, task.task_name)

        missing = [task for task in tasks if find(task) is None]
        if missing:
            start = time.perf_counter()
            model = self._cost_model()
            # To evolve candidates by random guesses is to draw them, at a hundred times the cost.
            contexts, weights = tasks_of.extracted_tasks_to_tune_contexts(
                missing,
                WORK,
                strategy="evolutionary" if model == "xgb" else "replay-trace",
                seed=settings.seed,
            )
            schedule.tune_tasks(
                tasks=contexts,
                task_weights=weights,
                work_dir=WORK,
                max_trials_global=trials * len(missing),
                max_trials_per_task=trials,
                num_trials_per_iter=min(trials, 64),
                database=database,
                cost_model=model,
                # A worker imports TVM first; on a small or busy board that alone takes longer
                # than the 30 s that a candidate has by default.
                builder=schedule.builder.LocalBuilder(
                    timeout_sec=CANDIDATE_S, initializer=load_intrinsics
                ),
                runner=schedule.runner.LocalRunner(timeout_sec=CANDIDATE_S),
            )
            self.tuning_s = time.perf_counter() - start
            self.tuning["cost_model"] = model
            shutil.rmtree(WORK, ignore_errors=True)
        self.tuning.update(
            trials=trials, from_table=not missing, not_in_table=[task.task_name for task in missing]
        )
        records = {task.task_name: find(task) for task in tasks}
        self._ran = [
            (name, f"MetaSchedule {_digest(record)}" if record else "untuned")
            for name, record in records.items()
        ]
        with target, database:
            relax = self.import_module("tvm.relax")
            return relax.transform.MetaScheduleApplyDatabase()(module)

    def _database(self, schedule: Any, target: Any, settings: Settings) -> Any:
        """Open the database of this target, beside the tuner table's path."""
        folder = f"{settings.tuner_table or 'tmp-tvm-table'}.tvm"
        name = hashlib.sha256(str(target).encode()).hexdigest()[:12]
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise BadValue(f"NNTEST_TUNER_TABLE: {folder!r}: {error.strerror}") from None
        paths = [os.path.join(folder, f"{name}.{part}.json") for part in ("workloads", "records")]
        return schedule.database.JSONDatabase(*paths)

    def _cost_model(self) -> str:
        """Return which model guesses a candidate's time; raises NotSupported without workers."""
        try:
            self.import_module("psutil")
            self.import_module("cloudpickle")
        except ImportError as error:
            raise NotSupported(
                f"tvm: the search needs further packages ({error}); pip install psutil cloudpickle"
            ) from None
        try:
            self.import_module("xgboost")
        except ImportError:
            return "random"
        return "xgb"


def _loader_of_intrinsics() -> Callable[[], None]:
    """Return what loads the tensor intrinsics of this processor, and keeps the others out.

    MetaSchedule imports those of all targets, in this process and in each of its workers; they are
    parsed from their sources, which takes half a minute, most of it for CUDA.  A closure, since
    the workers know nothing of this module: it is sent to them by value.
    """
    own = "arm_cpu" if platform.machine() in ("aarch64", "arm64") else "x86"

    def load() -> None:
        import importlib.util
        import sys

        name = "tvm.s_tir.tensor_intrin"
        found = importlib.util.find_spec(name)
        if name not in sys.modules and found is not None:
            found.loader = None  # its folder without what its __init__.py imports
            sys.modules[name] = importlib.util.module_from_spec(found)
            importlib.import_module(f"{name}.{own}")

    return load


def _digest(record: Any) -> str:
    return hashlib.sha256(str(record.trace).encode()).hexdigest()[:8]
