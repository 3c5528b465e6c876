"""Decay: which parameters weight decay shrinks, as papers and libraries have it."""


def is_decayed(name: str, dimensions: int) -> bool:
    """Whether a parameter decays: matrices do; biases and the scales of norms do not.

    A table of biases, such as those of T5's and MPNet's relative positions, is no such matrix: what
    it holds is added to scores as it stands.

    Args:
        name: in the state dict.
        dimensions: of its shape.
    """
    return dimensions > 1 and "bias" not in name
