"""Runs the OpenCL reference program as a board runs it, for the tests of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from types import SimpleNamespace

FOLDER = Path(__file__).parents[3] / "scripts" / "onboard" / "opencl_reference"
COMMON = FOLDER.parent / "programs_common"
MODULES = (
    *("device", "failures", "layers", "operators", "point", "programs", "reference"),
    *("repetitions", "tuner"),
)
ODD_POINT = {
    **{"CK_IN_SHAPE_N": 2, "CK_IN_SHAPE_C": 3, "CK_IN_SHAPE_H": 11, "CK_IN_SHAPE_W": 9},
    **{"CK_OUT_SHAPE_C": 5, "CK_CONV_KERNEL": 3, "CK_CONV_STRIDE": 2, "CK_CONV_PAD": 1},
}


class Run:
    """One finished run of the program, and what it left behind."""

    def __init__(self, folder: Path, process: subprocess.CompletedProcess[str]) -> None:
        self.folder = folder
        self.exit_status = process.returncode
        self.stderr = process.stderr

    def __str__(self) -> str:
        return f"exit status {self.exit_status}: {self.stderr}"

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())

    @property
    def timer(self) -> Any:
        return self.read("tmp-ck-timer.json")

    @property
    def state(self) -> Any:
        return self.timer["run_time_state"]

    @property
    def status(self) -> Any:
        return self.read("tmp-nntest-status.json")

    @property
    def repetitions(self) -> list[dict[str, Any]]:
        path = self.folder / "tmp-nntest-repetitions.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def run_program(
    work: Path,
    *arguments: str,
    program: Path = FOLDER,
    interpreter: tuple[str, ...] = (sys.executable, "-W", "error"),
    **variables: Any,
) -> Run:
    """Run the program in ``work`` with ODD_POINT, as changed by ``variables``; None removes one."""
    work.mkdir(exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CK_", "NNTEST_"))}
    wanted = {**kept, **ODD_POINT, **variables}
    environment = {k: str(v) for k, v in wanted.items() if v is not None}
    process = subprocess.run(
        [*interpreter, str(program / "program.py"), *(arguments or ("conv",))],
        cwd=work,
        env={"PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in process.stderr, process.stderr
    return Run(work, process)


def convolution(
    program: SimpleNamespace, *shape: int, kernel: int, stride: int, pads: Any = (0, 0, 0, 0)
) -> Any:
    """A point; `shape` is batch, channels, height, width and channels of the output."""
    layers, point = program.layers, program.point
    window = point.Window.square(kernel, stride, point.Pads(*pads))
    return layers.ConvolutionPoint(*shape[:4], window=window, out_channels=shape[4])


def patch(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def run_kernels(program: SimpleNamespace, device: Any, name: str, point: Any, local: Any) -> Any:
    """Run the operator once on the device and return its output; NaN where it wrote nothing."""
    import pyopencl as cl

    operator = program.operators.find_operator(name)(point, device)
    operator.check_memory(device)
    operator.set_up(operator.draw(7))
    output = np.full(operator.out_shape, np.nan, np.float32)
    cl.enqueue_copy(device.queue, operator.output, output)
    for launch in operator.launches:
        launch.use_local_size(local)
    operator.enqueue(device.queue)
    cl.enqueue_copy(device.queue, output, operator.output)
    return output
