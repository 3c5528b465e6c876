"""The commands of `harness`, a module each: `add` declares its options, `run` runs it."""
