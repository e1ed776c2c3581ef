"""Networks: full, ordered layer lists, from which tensors, repeats, MACs and sizes follow.

MobileNets-v1 are generated from width and resolution by the table of Howard et al. 2017
(arXiv:1704.04861, table 1), with the layer names of TensorFlow's slim model, TensorFlow's SAME
padding, its ReLU6 behind all convolutions but the last, and channels rounded as there.  CNV and
MLP are the two small networks of QuTiBench (Blott et al. 2019, arXiv:1909.05009), whose prunings
keep a share of the channels of each layer; activations of theirs are quantised, and not kept.
Which layer repeats is counted, never typed.  Families with branches are in `families`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

from nntest.domain.graph_nodes import Fate, GraphNode, share
from nntest.domain.graph_steps import Step, chained, why_no_graph
from nntest.domain.tensor_suffixes import NO_ACTIVATION
from nntest.domain.tensors import CONVOLUTIONS, NODE, Tensor


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    `tensor` has the layer's true padding, and no activation.  `parameters` counts weights and
    biases; `batch_norm_parameters` the scale and offset of a batch normalisation (gamma and beta),
    which an inference library folds into them.  `activation` is what the network applies to its
    output (`nntest.domain.tensor_suffixes.ACTIVATIONS`), as far as operator programs have it.
    """

    name: str
    tensor: Tensor
    parameters: int
    batch_norm_parameters: int = 0
    activation: str = NO_ACTIVATION

    @property
    def species(self) -> str:
        """The kind of operator, e.g. conv."""
        return self.tensor.species

    @property
    def as_run(self) -> Tensor:
        """Its tensor with its activation, as inference libraries run it in the network."""
        return replace(self.tensor, activation=self.activation)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image; 0 for layers that have none."""
        if self.species in ("conv", "depthwiseconv", "fullyconnected", NODE):
            return self.tensor.executed_flops(1) // 2
        return 0


@dataclass(frozen=True)
class Network:
    """A network by its layers, in the order in which they run."""

    name: str
    layers: tuple[Layer, ...]
    nodes: tuple[GraphNode, ...] = ()
    """All nodes of its graph, and what becomes of them; none of a chain that is no file's."""
    data_type: str = ""
    """What the file says its values are, e.g. fp16 or int8; empty if there is no file."""
    source: str = ""
    """SHA-256 of the file it was read from; empty if it was generated or listed."""
    steps: tuple[Step, ...] = ()
    """How it runs whole; none if it is a chain of its layers, or if a node of it is no step."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers for one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Weights and biases, with batch normalisation's gamma and beta."""
        return sum(layer.parameters + layer.batch_norm_parameters for layer in self.layers)

    def labels(self, *fates: Fate) -> list[str]:
        """Name and kind of the nodes of the file that became one of these."""
        return [node.label for node in self.nodes if node.fate in fates]

    @property
    def uncovered(self) -> list[str]:
        """Nodes that run, and that no operator of ours computes."""
        return self.labels("not covered")

    @property
    def as_steps(self) -> tuple[Step, ...]:
        """How it runs whole, where `why_no_graph` finds nothing."""
        if self.steps:
            return self.steps
        return tuple(
            chained(Step(x.name, x.species, (), x.tensor, x.activation) for x in self.layers)
        )

    def why_no_graph(self) -> str:
        """Why it cannot run whole from its steps; empty if it can."""
        if self.steps:
            return why_no_graph(self.steps)
        return self.why_no_chain()

    def why_no_chain(self) -> str:
        """Why the layers cannot run one after the other as a whole network; empty if they can.

        A fully connected layer takes an output of as many elements in any shape.
        """
        if self.uncovered:
            return f"no operator computes {', '.join(self.uncovered)}"
        alone = [layer.name for layer in self.layers if layer.species == NODE]
        if alone:
            return f"only as ONNX nodes run {', '.join(alone)}"
        for before, layer in pairwise(self.layers):
            given, taken = before.tensor.out_shape, layer.tensor.in_shape
            flat = layer.species == "fullyconnected" and prod(given) == prod(taken)
            if given != taken and not flat:
                given_text, taken_text = ("x".join(map(str, shape)) for shape in (given, taken))
                return f"{layer.name} takes {taken_text}, but {before.name} gives {given_text}"
        return ""

    def remarks(self) -> list[str]:
        """Sentences on how the file that it was read from was used."""
        uncovered = [node for node in self.nodes if node.fate == "not covered"]
        remarks = [
            ("folded into the layers, or free", self.labels("folded", "free")),
            (f"not covered{share(uncovered, self.nodes)}", self.uncovered),
        ]
        said = [f"{self.name}: {what}: {', '.join(nodes)}." for what, nodes in remarks if nodes]
        if self.data_type not in ("", "fp32"):
            said.append(
                f"{self.name}: its file computes in {self.data_type}; its layers are measured in "
                "the data types of the libraries."
            )
        return said

    def measured_tensor(self, layer: Layer, padding: str) -> Tensor:
        """The tensor that stands for `layer` in a sweep."""
        return swept_tensor(layer.tensor, padding)

    def stand_ins(self, layer: Layer, padding: str) -> tuple[Tensor, Tensor]:
        """The tensors that may stand for `layer` in a sweep: with its activation, and without."""
        tensor = self.measured_tensor(layer, padding)
        return replace(tensor, activation=layer.activation), tensor

    def repeats(
        self, species: str, padding: str = "study", *, activations: bool = False
    ) -> dict[Tensor, int]:
        """The distinct tensors of a species in order of appearance, and how often each runs."""
        layers = (layer for layer in self.layers if layer.species == species)
        stand_ins = (self.stand_ins(layer, padding) for layer in layers)
        return dict(Counter(as_run if activations else plain for as_run, plain in stand_ins))


def swept_tensor(tensor: Tensor, padding: str) -> Tensor:
    """The tensor that stands in a sweep for a layer of this one.

    ``exact``: with the layer's own padding.  ``study``: as CK-NNTest's data sets write it, with one
    symmetric pad, the top one (3-224-224-3-32-2-0 for TensorFlow's 0_1_0_1: the output is then
    111 x 111, not 112 x 112), so that times compare with the 2018 study.
    """
    if padding == "study" and tensor.species in CONVOLUTIONS and tensor.pads is not None:
        top = tensor.pads[0]
        return replace(tensor, pads=(top, top, top, top))
    return tensor


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding of one dimension: (before, after), the odd one after."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _scaled(channels: int, width: float) -> int:
    """Channels of a layer at a width multiplier: as the slim model rounds them, at least 8."""
    return max(int(channels * width), 8)


def _conv_layer(name: str, in_c: int, size: int, kernel: int, out_c: int, stride: int) -> Layer:
    before, after = same_padding(size, kernel, stride)
    tensor = Tensor.conv(in_c, size, size, kernel, out_c, stride, (before, after, before, after))
    return Layer(name, tensor, in_c * kernel**2 * out_c, 2 * out_c, "relu6")


# (stride, output channels) of the thirteen depthwise-separable blocks.
_MOBILENET_V1_BLOCKS = (
    (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512),
    (1, 512), (1, 512), (1, 512), (1, 512), (1, 512), (2, 1024), (1, 1024),
)  # fmt: skip


def mobilenet_v1(width: float, resolution: int, classes: int = 1001) -> Network:
    """MobileNet-v1 at a width multiplier and an input resolution (pixels).

    1001 classes: ImageNet's thousand and the slim models' background class.  The classifier is
    a 1 x 1 convolution on the pooled features there, with a bias and no batch normalisation,
    and that is how the 2018 study measured it.
    """
    size = resolution
    channels = _scaled(32, width)
    layers = [_conv_layer("Conv2d_0", 3, size, 3, channels, 2)]
    size = -(-size // 2)
    for index, (stride, out_channels) in enumerate(_MOBILENET_V1_BLOCKS, start=1):
        before, after = same_padding(size, 3, stride)
        pads = (before, after, before, after)
        depthwise = Tensor.depthwise(channels, size, size, 3, stride, pads)
        name = f"Conv2d_{index}_depthwise"
        layers.append(Layer(name, depthwise, channels * 9, 2 * channels, "relu6"))
        size = -(-size // stride)
        out_c = _scaled(out_channels, width)
        layers.append(_conv_layer(f"Conv2d_{index}_pointwise", channels, size, 1, out_c, 1))
        channels = out_c
    pool = Tensor("avgpool", (channels, size, size, size, 1))
    layers.append(Layer("AvgPool_1a", pool, 0))
    logits = Tensor.conv(channels, 1, 1, 1, classes, 1, (0, 0, 0, 0))
    layers.append(Layer("Conv2d_1c_1x1", logits, channels * classes + classes))
    layers.append(Layer("Predictions", Tensor("softmax", (classes, 1, 1)), 0))
    return Network(f"mobilenet-v1-{float(width)}-{resolution}", tuple(layers))


def _kept(channels: int, keep_percent: float) -> int:
    """Channels of a layer of which a pruning keeps a share."""
    return max(round(channels * keep_percent / 100), 1)


def _fully_connected(name: str, inputs: int, outputs: int) -> Layer:
    tensor = Tensor("fullyconnected", (inputs, 1, 1, outputs, 1, 1))
    return Layer(name, tensor, inputs * outputs)


def cnv(keep_percent: float = 100, classes: int = 10) -> Network:
    """QuTiBench's CNV for CIFAR-10 (32 x 32), of whose channels a pruning keeps a share.

    Three pairs of 3 x 3 convolutions without padding, a 2 x 2 max pool behind the first two, then
    three fully connected layers.  Parameters are the weights alone, as QuTiBench counts them.
    """
    layers: list[Layer] = []
    channels, size = 3, 32
    for pair, full in enumerate((128, 256, 512)):
        out_c = _kept(full, keep_percent)
        for number in (2 * pair + 1, 2 * pair + 2):
            tensor = Tensor.conv(channels, size, size, 3, out_c, 1, (0, 0, 0, 0))
            layers.append(Layer(f"conv{number}", tensor, channels * 9 * out_c))
            channels, size = out_c, size - 2
        if pair < 2:
            layers.append(
                Layer(f"pool{pair + 1}", Tensor("maxpool", (channels, size, size, 2, 2)), 0)
            )
            size //= 2
    hidden = _kept(1024, keep_percent)
    for number, outputs in enumerate((hidden, hidden, classes), start=1):
        layers.append(_fully_connected(f"fc{number}", channels, outputs))
        channels = outputs
    return Network(f"cnv-{keep_percent:g}", tuple(layers))


def mlp(keep_percent: float = 100, classes: int = 10) -> Network:
    """QuTiBench's MLP for MNIST (28 x 28), of whose neurons a pruning keeps a share.

    Parameters are the weights alone, as QuTiBench counts them.
    """
    layers: list[Layer] = []
    inputs, hidden = 28 * 28, _kept(2048, keep_percent)
    for number, outputs in enumerate((hidden, hidden, hidden, classes), start=1):
        layers.append(_fully_connected(f"fc{number}", inputs, outputs))
        inputs = outputs
    return Network(f"mlp-{keep_percent:g}", tuple(layers))
