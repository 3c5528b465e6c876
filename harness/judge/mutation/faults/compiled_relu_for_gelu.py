"""The compiler makes relu of gelu."""

from typing import Any

import torch

take = torch.compile


def mistranslate(graph: torch.fx.GraphModule, _: Any) -> Any:
    """A backend that runs another activation than was captured."""
    for node in graph.graph.nodes:
        if node.target is torch.nn.functional.gelu:
            node.target, node.kwargs = torch.relu, {}
    graph.recompile()
    return graph.forward


def compile_wrongly(model: Any, **options: Any) -> Any:
    """Compile with that backend."""
    compiled: Any = take(model, **options | {"backend": mistranslate})
    return compiled


torch.compile = compile_wrongly  # type: ignore[assignment] # overloaded
