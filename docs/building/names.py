"""`Dense` on any page leads to the reference, `digits.py` to the example."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

import layerwise
from docs.building.examples import EXAMPLES

OTHERS = {
    "assert_layer": "layerwise.testing.assert_layer",
    "layerwise.distributed": "layerwise.distributed.DataParallel",
    "DataParallel": "layerwise.distributed.DataParallel",
    "save_onnx": "layerwise.onnx.save_onnx",
    "to_onnx": "layerwise.onnx.to_onnx",
    "LearningDisplay": "layerwise.estimators.LearningDisplay",
    "MLPClassifier": "layerwise.estimators.MLPClassifier",
    "MLPRegressor": "layerwise.estimators.MLPRegressor",
    "NetworkClassifier": "layerwise.estimators.NetworkClassifier",
    "NetworkRegressor": "layerwise.estimators.NetworkRegressor",
}
NAMES = {name: f"layerwise.{name}" for name in layerwise.__all__} | OTHERS
OF_SCIKIT_LEARN = ("scikit-learn", "reference/estimators")  # where `fit` is a method


class Names(SphinxTransform):
    """Makes references of names in code."""

    default_priority = 500

    def apply(self, **_: Any) -> None:
        """Go through all code in the lines of a page."""
        page = self.env.docname
        for node in list(self.document.findall(nodes.literal)):
            if isinstance(node.parent, nodes.title | nodes.reference | pending_xref):
                continue
            text = node.astext()
            if re.fullmatch(r"\w+\(\)", text):
                text = text[:-2]
            example = re.fullmatch(r"(?:examples/)?(\w+)\.py", text)
            if text in NAMES and not (page in OF_SCIKIT_LEARN and text.islower()):
                refer(node, "py", "obj", NAMES[text], page)
            elif example and example[1] in EXAMPLES:
                place = f"/gallery/{EXAMPLES[example[1]].folder}/{example[1]}"
                refer(node, "std", "doc", place, page)


def refer(node: nodes.literal, domain: str, role: str, target: str, page: str) -> None:
    """Put a reference around the code."""
    where = {"refdomain": domain, "reftype": role, "reftarget": target, "refdoc": page}
    reference = pending_xref("", **where, refexplicit=True, refwarn=True)
    node.replace_self(reference)
    reference += node


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the transform."""
    app.add_transform(Names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
