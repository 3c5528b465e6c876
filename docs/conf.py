"""How these pages are built: `sphinx-build -W --keep-going -b html docs build/docs`."""

project = "finetune-harness"
author = "The finetune-harness developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = project
html_show_sphinx = False
myst_heading_anchors = 3
autodoc_typehints = "none"  # attributes say their types
default_role = "code"
python_use_unqualified_type_names = True
