"""Tensors: names, environment variables, sizes and operation counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nntest.domain.tensor_suffixes import ACTIVATED, ACTIVATIONS, NO_ACTIVATION, POOLS
from nntest.domain.tensors import (
    LARGEST_SIZE,
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
    pads = own_kernel = None
    if species == "depthwiseconv":
        sides = draw(st.tuples(*[small] * 4))
        pads, values[-1] = sides, sides[0]
        own_kernel = draw(st.sampled_from([None, 1, 5, 7]))
    elif species in POOLS and values[keys.index("CK_POOL_KERNEL")] > 1:
        pads = draw(st.none() | st.tuples(*[st.integers(0, 1)] * 4).filter(any))
    return Tensor(species, tuple(values), pads, activation_of(draw, species), None, own_kernel)


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
    ("species", "name", "variables", "out_shape"),
    [
        (
            "depthwiseconv", "96-14-14-2-1_2_1_2+kernel5+hard-swish",
            {
                "NNTEST_KERNEL": "5,5", "NNTEST_ACTIVATION": "hard-swish",
                "NNTEST_CONV_PADS": "1,2,1,2",
            },
            (96, 7, 7),
        ),
        ("maxpool", "64-112-112-3-2+pads1", {"CK_POOL_PAD": "1"}, (64, 56, 56)),
        ("maxpool", "96-54-54-3-2+pads0_1_0_1", {"NNTEST_CONV_PADS": "0,1,0,1"}, (96, 27, 27)),
    ],
)  # fmt: skip
def test_kernels_and_pads_that_ck_has_no_field_for(
    species: str, name: str, variables: dict[str, str], out_shape: tuple[int, int, int]
) -> None:
    tensor = Tensor.parse(species, name)
    assert tensor.name == name
    assert tensor.env().items() >= variables.items()
    assert Tensor.from_env(species, tensor.env()) == tensor
    assert tensor.out_shape == out_shape
    assert tensor.beyond_ck == ("CK_POOL_PAD" not in variables)


def test_kernels_and_pads_as_ck_has_them_are_not_named() -> None:
    assert Tensor.parse("depthwiseconv", "8-9-9-1-1+kernel3").name == "8-9-9-1-1"
    assert Tensor.parse("maxpool", "8-9-9-3-2+pads0") == Tensor.parse("maxpool", "8-9-9-3-2")
    env = Tensor.parse("depthwiseconv", "8-9-9-1-1").env()
    with pytest.raises(UserError, match="NNTEST_KERNEL is not a square"):
        Tensor.from_env("depthwiseconv", {**env, "NNTEST_KERNEL": "5,3"})


def test_a_window_in_padding_alone_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="windows would lie in padding alone"):
        Tensor.parse("maxpool", "8-9-9-2-2+pads2")


@pytest.mark.parametrize(
    ("species", "name"),
    [
        ("softmax", "10-1-1+relu"), ("conv", "1-1-1-1-1-1-0+swish"), ("conv", "1-1-1-1-1-1-0+"),
        ("conv", "8-9-9-3-8-1-1+kernel5"), ("conv", "8-9-9-3-8-1-1+pads1"),
        ("maxpool", "8-9-9-3-2+pads0_1"), ("depthwiseconv", "8-9-9-1-1+kernel0"),
    ],
)  # fmt: skip
def test_an_activation_that_no_program_has_is_a_clear_error(species: str, name: str) -> None:
    with pytest.raises(UserError, match="no such activation, kernel or padding") as caught:
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
