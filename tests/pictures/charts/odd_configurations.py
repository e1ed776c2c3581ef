"""Configurations with everything that can go wrong in a chart: ties, gaps, odd names."""

from __future__ import annotations

import pandas as pd
from nntest.analysis.trade_offs import configurations

ODD_NAME = 'Board </script><b>"1" & \\ µ'


def sample(batches: tuple[int, ...] = (1, 4, 16)) -> pd.DataFrame:
    rows = []
    for hardware, speed, data_type in ((ODD_NAME, 40.0, "fp32"), ("FPGA", 900.0, "int4")):
        for variant, work, top1 in (("100%", 1.0, 87.0), ("50%", 0.3, 84.0), ("25%", 0.1, 80.0)):
            for batch in batches:
                rate = speed / work * batch**0.2
                rows.append(
                    {
                        "network": "cnv", "variant": variant, "hardware": hardware,
                        "platform": hardware,
                        "data_type": data_type, "mode": "", "batch": batch,
                        "latency_ms": batch / rate * 1e3, "frames_per_s": rate,
                        "top1_percent": top1, "power_w": 5.0 + work, "kind": "published",
                        "source": "table.csv:7",
                    }
                )  # fmt: skip
    # Equal to another on every axis, without accuracy, without anything.
    rows.append(dict(rows[0]))
    rows.append({**rows[1], "top1_percent": None, "power_w": None})
    rows.append(
        {
            "network": "mlp",
            "hardware": "FPGA",
            "platform": "FPGA",
            "data_type": "int2",
            "kind": "published",
        }
    )
    return configurations(rows)
