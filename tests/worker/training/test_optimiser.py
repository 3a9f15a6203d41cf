from __future__ import annotations

import torch
from torch import nn

from worker.training.optimiser import Optimiser


def _stepped(kernel: torch.Tensor, gradient: torch.Tensor, rate: float = 0.1) -> torch.Tensor:
    """How far a kernel went in one step."""
    parameter = nn.Parameter(kernel.clone(memory_format=torch.preserve_format))
    norm = nn.Parameter(torch.ones(3))
    optimiser = Optimiser([parameter, norm], rate)
    parameter.grad, norm.grad = gradient, torch.ones(3)
    optimiser.step(rate)
    return parameter.detach() - kernel


def test_a_kernel_goes_as_far_in_every_direction_of_its_gradient() -> None:
    gradient = torch.diag(torch.tensor([40.0, 5.0, 1.0])) @ torch.eye(3, 8)

    gone = _stepped(torch.zeros(3, 8), gradient)

    # Singular values of 0.7 to 1.2 in place of 40 to 1, at 0.2 times the root of the longer side times the rate.
    lengths = torch.linalg.svdvals(gone) / (0.1 * 0.2 * 8**0.5)
    assert lengths.min() > 0.6
    assert lengths.max() < 1.25


def test_the_layout_of_a_kernel_in_memory_changes_nothing() -> None:
    torch.manual_seed(0)
    kernel, gradient = torch.randn(6, 4, 3, 3), torch.randn(6, 4, 3, 3)

    contiguous = _stepped(kernel, gradient)
    last = _stepped(kernel.contiguous(memory_format=torch.channels_last), gradient)

    assert torch.allclose(contiguous, last, atol=2e-3)  # products in bfloat16, in another order
    assert contiguous.abs().max() > 0.01


def test_norms_and_biases_go_one_rate_and_do_not_shrink() -> None:
    norm, still = nn.Parameter(torch.tensor([1.0, 2.0])), nn.Parameter(torch.tensor([3.0]))
    kernel = nn.Parameter(torch.ones(2, 2))
    optimiser = Optimiser([kernel, norm, still], 0.1)
    norm.grad = torch.tensor([7.0, -0.2])

    optimiser.step(0.01)

    assert torch.allclose(norm.detach(), torch.tensor([0.99, 2.01]))
    assert still.item() == 3.0
    assert kernel.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_the_rate_of_a_step_is_the_one_it_is_given() -> None:
    torch.manual_seed(0)
    gradient = torch.randn(4, 4)

    near, far = _stepped(torch.zeros(4, 4), gradient, 0.01), _stepped(torch.zeros(4, 4), gradient, 0.04)

    assert torch.allclose(4 * near, far)


def test_a_network_without_gradients_for_a_kernel_keeps_it() -> None:
    used, unused, norm = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    optimiser = Optimiser([used, unused, norm], 0.1)
    used.grad = torch.eye(2)

    optimiser.step(0.1)

    assert torch.equal(unused.detach(), torch.ones(2, 2))
    assert not torch.equal(used.detach(), torch.ones(2, 2))


def test_a_kernel_stays_in_a_step_that_it_had_no_part_in() -> None:
    kernel, norm = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    optimiser = Optimiser([kernel, norm], 0.1)
    kernel.grad = torch.eye(2)
    optimiser.step(0.1)
    after_first = kernel.detach().clone()

    kernel.grad = None
    optimiser.step(0.1)

    assert torch.equal(kernel.detach(), after_first)
