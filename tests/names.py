"""Full names of what a file refers to by way of its imports: `np.ones` is `numpy.ones`."""

import ast


def homes(tree: ast.AST) -> dict[str, str]:
    """By each name that a file imports, at its top or later, what it stands for."""
    full: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            full |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            roots = {a.name.partition(".")[0] for a in node.names if not a.asname}
            full |= {a.asname: a.name for a in node.names if a.asname} | {x: x for x in roots}
    return full


def full_name(node: ast.AST, imported: dict[str, str]) -> str:
    """The full name of an expression, or of what it is an item of; empty if it isn't imported."""
    match node:
        case ast.Name(id=name):
            return imported.get(name, "")
        case ast.Attribute(value=owner, attr=name):
            home = full_name(owner, imported)
            return home and f"{home}.{name}"
        case ast.Subscript(value=container):
            return full_name(container, imported)
    return ""
