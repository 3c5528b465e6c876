"""Variables: those of the environment that a worker is given, by name; all others stay here.

What training needs is a short list, and what may be secret is none: `DATABASE_URL` sounds like
nothing, and holds a password. What else the judged code reads is named by
`--harness-pass-environment`, and then counts as a part of the judged environment.
"""

import re
from collections.abc import Collection, Mapping

from harness.core import redaction

NAMES = frozenset(
    {
        *("HOME", "LOGNAME", "PATH", "TEMP", "TMP", "TMPDIR", "TZ", "USER"),
        *("LANG", "LANGUAGE", "TERM", "VIRTUAL_ENV", "CONDA_PREFIX"),
        *("DYLD_LIBRARY_PATH", "GLIBC_TUNABLES", "LD_LIBRARY_PATH", "LD_PRELOAD"),
        *("CC", "CPATH", "CXX", "C_INCLUDE_PATH", "LIBRARY_PATH", "MAX_JOBS"),  # torch.compile
        *("DO_NOT_TRACK", "GPU_DEVICE_ORDINAL", "USE_FLAX", "USE_TF", "USE_TORCH"),
    }
)
PREFIXES = (
    *("LC_", "MALLOC_", "PYTHON", "XDG_"),
    *("ATEN_", "BLIS_", "DNNL_", "GOMP_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "OPENBLAS_"),
    *("NUMEXPR_", "RAYON_", "VECLIB_"),
    *("AMD_", "CUBLAS", "CUDA", "CUDNN", "HIP_", "HSA_", "MIOPEN_", "NCCL_", "NVIDIA_", "ROC"),
    *("FLASH_ATTENTION_", "PYTORCH", "TORCH", "TRITON_"),
    *("ACCELERATE_", "DATASETS_", "HF_", "HUGGINGFACE_", "SAFETENSORS_", "TOKENIZERS_"),
    "TRANSFORMERS_",
)
"""Threads, devices, kernels, caches and switches of the packages that are judged."""

_USER = re.compile(r"(?<=://)[^/@\s]*@")


def passed(variables: Mapping[str, str], further: Collection[str] = ()) -> dict[str, str]:
    """The variables that a worker is given, those of further names among them.

    No address among the listed ones names a user or a password. A secret goes along only where
    its very name is given.
    """
    listed = {
        name: _USER.sub("", value)
        for name, value in variables.items()
        if (name in NAMES or name.startswith(PREFIXES)) and not redaction.is_secret(name)
    }
    return listed | {name: variables[name] for name in further if name in variables}
