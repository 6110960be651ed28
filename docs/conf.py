"""The settings of Sphinx."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import layerwise
from docs.building import examples, gallery, pictures

project = "Layerwise"
author = "the Layerwise contributors"
project_copyright = "%Y, the Layerwise contributors"
version = release = layerwise.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "docs.building.gallery",
    "sphinx_gallery.gen_gallery",
    "docs.building.docstrings",
    "docs.building.mathematics",
    "docs.building.names",
    "docs.building.pictures",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["building", "drawn", "gallery/**/*.ipynb"]
default_role = "literal"
highlight_language = "none"  # what code prints
smartquotes = False  # "valid" is a value
nitpicky = True
# Names of other packages in signatures, which no inventory is at hand for, and type variables.
OTHERS = """
Any ArrayLike Axes Callable DTypeLike Data F Figure Generator In Iterable Iterator
Literal Mapping ModelProto NDArray Out Path PathLike RandomState Self Sequence T
"""
nitpick_ignore_regex = [
    ("py:.*", r"(np|numpy|collections|typing|os|sklearn|matplotlib|MPI|dask)\..*"),
    ("py:class", "|".join(OTHERS.split())),
    ("py:class", "Graph|Named"),  # what entries make Tensors of, by functions
]

# Quiet, one column of text, light and dark, good on a telephone; it asks no other host for fonts.
html_theme = "furo"
html_title = "Layerwise"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "static/layers.svg"
html_math_renderer = "mathml"  # neither script nor font: see building/mathematics.py
html_copy_source = False
html_show_sourcelink = False
templates_path: list[str] = []
pygments_style, pygments_dark_style = "tango", "monokai"

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
autodoc_type_aliases = {name: name for name in ("Array", "Vector", "Matrix", "Indices")}
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_default_options = {
    "members": True,
    "exclude-members": "forward_from_data, parts, table_lines, through_time, agree, "
    "set_fit_request, set_partial_fit_request, set_predict_request, set_score_request",
}

sphinx_gallery_conf = {
    "examples_dirs": str(gallery.SOURCES),
    "gallery_dirs": "gallery",
    "filename_pattern": rf"^(?!.*({'|'.join(examples.APART)})).*\.py$",
    "subsection_order": "docs.building.gallery.in_order",
    "within_subsection_order": "docs.building.gallery.in_order",
    "image_scrapers": ("docs.building.gallery.pictures",),
    "reset_modules": (),
    "plot_gallery": True,
    "abort_on_example_error": True,
    "parallel": 2,
    "show_signature": False,
    "show_memory": False,
    "min_reported_time": 10**9,
    "write_computation_times": False,
    "download_all_examples": False,
    "nested_sections": True,
    "remove_config_comments": True,
    "copyfile_regex": "",
    "default_thumb_file": str(pictures.FOLDER / "text.png"),
}
