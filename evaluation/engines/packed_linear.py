"""Linear layers with weights laid out as the CPU's bfloat16 kernels read them.

A plain layer's weights are laid out anew in every pass, which costs as much as the product itself
when a batch is small: decoding is a third faster without. The packed copy takes the place of the
weights, so memory stays the same.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import nn

from evaluation.errors import first_line

log = logging.getLogger(__name__)


class PackedLinear(nn.Module):
    """A linear layer for inference in bfloat16 on a CPU."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        # Not a parameter: its layout is the library's own, and nothing may read or convert it.
        self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), None)
        self.bias = linear.bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The layer's outputs."""
        result: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs, self.packed, self.bias, "none", [], ""
        )
        return result


def pack(model: Any) -> str:
    """Pack a model's linear layers where that helps; why it was not done, or "".

    Only plain bfloat16 layers on a CPU are packed. Those that share their weights with the
    embedding keep them besides. The kernels are not part of torch's public interface: where they
    are not as expected, the model stays as it is.
    """
    layers = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Linear and _suits(child.weight)
    ]
    if not layers:
        return ""
    reason = why_not(layers[0][2])
    if reason:
        log.warning("the weights are not packed: %s", reason)
        return f"the weights are not laid out for this processor: {reason}"
    # Not in inference mode: such tensors cannot be used outside of it.
    with torch.no_grad():
        while layers:  # one by one: the weights before are released at once
            parent, name, child = layers.pop()
            setattr(parent, name, PackedLinear(child))
        # What is left still lies in the mapped file, all of which would stay in memory.
        for kept in [*model.parameters(), *model.buffers()]:
            kept.data = kept.data.clone()
    return ""


@torch.inference_mode()
def why_not(linear: nn.Linear) -> str:
    """Why a layer cannot be packed, or "": a trial must give the layer's own outputs."""
    inputs = torch.linspace(-1, 1, 3 * linear.in_features).reshape(1, 3, -1)
    inputs = inputs.to(linear.weight.dtype)
    try:
        found, wanted = PackedLinear(linear)(inputs), linear(inputs)
        difference = float((found - wanted).float().norm() / wanted.float().norm().clamp(min=1e-9))
    except Exception as error:
        return first_line(error)
    return "" if difference < 0.02 else f"results differ by {difference:.0%}"


def _suits(weight: torch.Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype == torch.bfloat16
