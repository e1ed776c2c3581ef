"""The file of a network as the C++ program reads it, against what Python writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from onboard.armcl.compiled_programs import COMPILER, compiled, run

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs g++")

NETWORK = """
#include "nntest/json.h"
#include "nntest/network_file.h"
#include <cstdio>
using namespace nntest;

int main()
{
    try
    {
        const NetworkFile network = NetworkFile::from_environment("NONE");
        std::vector<Json> layers;
        for(const NetworkLayer &layer : network.layers)
        {
            JsonObject variables;
            for(const auto &entry : layer.variables)
            {
                variables.add(entry.first, entry.second);
            }
            layers.push_back(JsonObject().add("name", layer.name)
                                 .add("operator", layer.operator_name)
                                 .add("tuner", layer.tuner)
                                 .add("env", variables.done()).done());
        }
        std::printf("%s\\n", JsonObject().add("network", network.name)
                                 .add("layers", json_list(layers)).done().text.c_str());
    }
    catch(const Failure &failure)
    {
        std::fprintf(stderr, "%s: %s\\n", failure.status, failure.what());
        return failure.exit_status;
    }
}
"""
LAYER = {"name": "Conv2d_0", "operator": "conv", "tuner": "DEFAULT", "env": {"CK_CONV_KERNEL": "3"}}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("network"), "network", NETWORK)


def test_a_network_is_read_as_python_writes_it(reader: Path, tmp_path: Path) -> None:
    odd = 'Größe "1/1"\n\\ 𝄞'
    env = {"CK_IN_SHAPE_C": 3, "CK_IN_SHAPE_N": "7"}
    layers = [LAYER, {"name": odd, "operator": "softmax", "more": [None, True, -1.5e3], "env": env}]
    for ascii_only in (False, True):
        path = tmp_path / "network.json"
        path.write_text(
            json.dumps({"network": "x", "layers": layers}, ensure_ascii=ascii_only, indent=2)
        )
        done = run(reader, NNTEST_NETWORK=path, CK_IN_SHAPE_N=2)
        assert done.returncode == 0, done.stderr
        first, second = json.loads(done.stdout)["layers"]
        assert first == {**LAYER, "env": {"CK_CONV_KERNEL": "3", "CK_IN_SHAPE_N": "2"}}
        assert second["name"] == odd
        assert second["tuner"] == "NONE"
        assert second["env"] == {"CK_IN_SHAPE_C": "3", "CK_IN_SHAPE_N": "2"}


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        ("", "line 1: a value is missing"),
        ('{"network": "x",\n "layers": [}', "line 2: a value is missing"),
        ('{"network": "x"} x', "something follows its end"),
        ('{"network": "x", "network": "y"}', "is there twice"),
        ('{"network": "x', "a text does not end"),
        ('{"network": "\\q"}', "unknown escape"),
        ("[" * 100, "too many lists and objects"),
        ("[]", 'the file has no "network"'),
        ('{"network": "x", "layers": []}', '"layers" is no list of layers'),
        ({"name": 1}, 'layer 1 has no "name", or it is no text'),
        ({"tuner": "BEST"}, "layer 1: \"tuner\" is 'BEST', none of NONE"),
        ({"env": []}, 'layer 1 has no "env"'),
        ({"env": {"CK_CONV_PAD": [1]}}, "layer 1: CK_CONV_PAD is neither a text nor a number"),
    ],
)
def test_what_is_no_network_is_reported(
    reader: Path, tmp_path: Path, content: str | dict[str, Any], reported: str
) -> None:
    if isinstance(content, dict):
        content = json.dumps({"network": "x", "layers": [{**LAYER, **content}]})
    (tmp_path / "network.json").write_text(content)
    done = run(reader, NNTEST_NETWORK=tmp_path / "network.json")
    assert done.returncode == 2
    assert reported in done.stderr
    assert "network.json' is no network: " in done.stderr


def test_a_network_that_is_not_there_is_reported(reader: Path) -> None:
    assert "NNTEST_NETWORK is not set" in run(reader).stderr
    assert "'/nowhere' cannot be read" in run(reader, NNTEST_NETWORK="/nowhere").stderr
