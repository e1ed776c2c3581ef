"""Tensors: names, environment variables, sizes and operation counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nntest.domain.tensors import (
    ACTIVATED,
    ACTIVATIONS,
    LARGEST_SIZE,
    NO_ACTIVATION,
    NODE,
    SPECIES,
    Tensor,
)
from nntest.errors import UserError

CK_SPECIES = [name for name in SPECIES if name != NODE]
"""Those with numbers for a name; tests/domain/onnx_nodes has the other."""

sizes = st.integers(min_value=1, max_value=2048)


@st.composite
def convolutions(draw: st.DrawFn) -> Tensor:
    kernel = draw(st.integers(1, 7))
    pads = tuple(draw(st.integers(0, 3)) for _ in range(4))
    h = draw(st.integers(kernel, 300))
    w = draw(st.integers(kernel, 300))
    return Tensor.conv(draw(sizes), h, w, kernel, draw(sizes), draw(st.integers(1, 4)), pads)


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    """Of every species, with every factor that a GEMM can have."""
    species = draw(st.sampled_from(sorted(CK_SPECIES)))
    if species == "conv":
        return replace(draw(convolutions()), activation=activation_of(draw, species))
    keys = SPECIES[species].keys
    factors = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1e-05, -1.0, 1.0])
    small = st.integers(1, 8)
    values = []
    for key in keys:
        if key.endswith(("_H", "_W")):
            values.append(draw(st.integers(8, LARGEST_SIZE)))
        elif key.endswith(("ALPHA", "BETA")):
            values.append(draw(factors))
        elif key.endswith(("KERNEL", "STRIDE", "PAD")):
            values.append(draw(small))
        else:
            values.append(draw(st.integers(1, LARGEST_SIZE)))
    pads = None
    if species == "depthwiseconv":
        sides = draw(st.tuples(*[small] * 4))
        pads, values[-1] = sides, sides[0]
    return Tensor(species, tuple(values), pads, activation_of(draw, species))


def activation_of(draw: st.DrawFn, species: str) -> str:
    some = st.sampled_from((NO_ACTIVATION, *ACTIVATIONS))
    return draw(some) if species in ACTIVATED else NO_ACTIVATION


@given(tensors())
def test_a_name_reads_back_as_the_same_tensor(tensor: Tensor) -> None:
    assert Tensor.parse(tensor.species, tensor.name) == tensor
    assert Tensor.parse(tensor.species, f"shape-{tensor.name}") == tensor


@given(tensors())
def test_the_environment_reads_back_as_the_same_tensor(tensor: Tensor) -> None:
    assert Tensor.from_env(tensor.species, tensor.env()) == tensor


@pytest.mark.parametrize("alpha", ["1e-05", "-1", "-1e-05", "0.1234567890123", "1e+22"])
def test_a_gemm_keeps_its_factors(alpha: str) -> None:
    tensor = Tensor.parse("gemm", f"64-32-16-{alpha}--2")
    assert tensor.name == f"64-32-16-{alpha}--2"
    assert tensor.values == (64, 32, 16, float(alpha), -2.0)
    assert tensor.env()["CK_GEMM_ALPHA"] == alpha


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "9" * 400, 10**400, 1e999, "x", [], ""])
def test_a_variable_that_is_not_a_number_in_range_is_a_clear_error(number: object) -> None:
    for species in map(SPECIES.__getitem__, CK_SPECIES):
        good = dict.fromkeys(species.keys, "16") | {"CK_CONV_PAD": "0", "CK_DEPTHWISE_PAD": "0"}
        for key in species.keys:
            with pytest.raises(UserError, match=key):
                Tensor.from_env(species.name, {**good, key: number})
    with pytest.raises(UserError, match="CONV_PAD"):
        pads = {"NNTEST_CONV_PADS": f"0,0,0,{number}"}
        Tensor.from_env("conv", dict.fromkeys(SPECIES["conv"].keys, "16") | pads)


@given(convolutions(), st.integers(1, 16))
def test_executed_operations_are_two_for_each_product_summed(tensor: Tensor, batch: int) -> None:
    out_c, out_h, out_w = tensor.out_shape
    products = tensor.in_shape[0] * tensor.kernel**2
    assert tensor.executed_flops(batch) == 2 * batch * out_c * out_h * out_w * products


@given(st.sampled_from(sorted(SPECIES)), st.text(max_size=30))
def test_any_text_is_a_tensor_or_a_clear_error(species: str, text: str) -> None:
    try:
        tensor = Tensor.parse(species, text)
    except UserError as error:
        assert "tensor" in error.message
    else:
        assert Tensor.parse(species, tensor.name) == tensor


def test_an_activation_is_a_part_of_the_name_and_no_work() -> None:
    tensor = Tensor.parse("conv", "3-224-224-3-32-2-0_1_0_1+relu6")
    plain = Tensor.parse("conv", "3-224-224-3-32-2-0_1_0_1")
    assert tensor == replace(plain, activation="relu6") != plain
    assert tensor.env() == {**plain.env(), "NNTEST_ACTIVATION": "relu6"}
    assert tensor.executed_flops(1) == plain.executed_flops(1)


@pytest.mark.parametrize(
    ("species", "name"),
    [("softmax", "10-1-1+relu"), ("conv", "1-1-1-1-1-1-0+swish"), ("conv", "1-1-1-1-1-1-0+")],
)
def test_an_activation_that_no_program_has_is_a_clear_error(species: str, name: str) -> None:
    with pytest.raises(UserError, match="no such activation") as caught:
        Tensor.parse(species, name)
    assert "conv, depthwiseconv, fullyconnected have relu, relu6" in str(caught.value.hint)


def test_the_first_convolution_as_the_study_measured_it_has_111_outputs() -> None:
    tensor = Tensor.parse("conv", "shape-3-224-224-3-32-2-0")
    assert tensor.out_shape == (32, 111, 111)
    # ... but the study's formula counts 112 x 112 of them.
    assert tensor.study_flops(1) == 2 * 3 * 32 * 112 * 112 * 9
    assert tensor.executed_flops(1) == 2 * 3 * 32 * 111 * 111 * 9


def test_padding_by_side_gives_tensorflows_112_outputs() -> None:
    tensor = Tensor.parse("conv", "3-224-224-3-32-2-0_1_0_1")
    assert tensor.out_shape == (32, 112, 112)
    assert tensor.env()["NNTEST_CONV_PADS"] == "0,1,0,1"
    assert tensor.env()["CK_CONV_PAD"] == "0"


def test_gemm_operations_are_two_m_n_k() -> None:
    tensor = Tensor.parse("gemm", "test-shape-64-32-16-1.0-0.0")
    assert tensor.study_flops(1) == 2 * 64 * 32 * 16
    assert tensor.name == "64-32-16-1-0"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("512-14-14-1-512-1", "6 fields, not 7"),
        ("512-14-14-1-512-1-x", "'x' is not a value for CK_CONV_PAD"),
        ("512-14-14-1-512-0-0", "CK_CONV_STRIDE is below 1"),
        ("3-2-2-3-32-1-0", "larger than the padded input"),
        ("3-224-224-3-32-2-0_1_0", "not a value for CK_CONV_PAD"),
        ("9999999999-14-14-1-512-1-0", "CK_IN_SHAPE_C is above 2147483647"),
    ],
)
def test_a_wrong_name_is_told_with_its_field(name: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        Tensor.parse("conv", name)


def test_an_environment_that_lacks_a_value_is_no_tensor() -> None:
    environment = Tensor.parse("conv", "3-224-224-3-32-2-0").env()
    del environment["CK_CONV_STRIDE"]
    assert Tensor.from_env("conv", environment) is None
