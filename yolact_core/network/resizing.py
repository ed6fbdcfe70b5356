"""The same weights at another input size."""

from __future__ import annotations

from yolact_core.network.yolact import Yolact, build_network


def resize_network(network: Yolact, input_size: int) -> Yolact:
    """Return a network with the same weights for another input size.

    Priors keep their size in pixels of the input, for which the weights were trained: a larger
    input shows smaller objects, and each as large as the weights know objects. It does not
    replace training at that size, as the paper did for its 400 and 700 pixels (section 6).

    Args:
        network: Any.
        input_size: Side of the input in pixels.

    Raises:
        InputError: There can be no such input.
    """
    config = network.config
    name = f'{config.name}_{input_size}' if input_size != config.input_size else config.name
    resized = build_network(config.replace(name=name, input_size=input_size))
    resized.load_state_dict(network.state_dict())
    return resized.to(network.priors.device)
