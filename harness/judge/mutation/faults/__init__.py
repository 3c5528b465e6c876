"""Known faults: each file breaks the judged libraries in the way that its docstring says.

A worker runs one of them before its job, to prove what the invariants would notice.
"""
