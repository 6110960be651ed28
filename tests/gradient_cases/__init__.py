"""Right and wrong layers and losses: the body on which the gradient checker is measured."""

from tests.gradient_cases import (  # these add to PLANTED
    planted_blocks,
    planted_layers,
    planted_products,
    planted_ways,
)
from tests.gradient_cases.advanced import ADVANCED
from tests.gradient_cases.case import Case, LossCase, split
from tests.gradient_cases.elsewhere import ELSEWHERE
from tests.gradient_cases.losses import LOSSES
from tests.gradient_cases.planted import PLANTED, Planted
from tests.gradient_cases.right import RIGHT
from tests.gradient_cases.wrong_contract import WRONG_CONTRACT
from tests.gradient_cases.wrong_entries import WRONG_ENTRIES
from tests.gradient_cases.wrong_form import WRONG_FORM
from tests.gradient_cases.wrong_formulas import WRONG_FORMULAS
from tests.gradient_cases.wrong_hidden import WRONG_HIDDEN

CASES: list[Case] = split(
    [
        *RIGHT,
        *WRONG_ENTRIES,
        *WRONG_FORMULAS,
        *WRONG_CONTRACT,
        *WRONG_FORM,
        *WRONG_HIDDEN,
        *ADVANCED,
        *ELSEWHERE,
    ]
)
LOSS_CASES: list[LossCase] = split(LOSSES)

__all__ = [
    "CASES",
    "LOSS_CASES",
    "PLANTED",
    "Case",
    "LossCase",
    "Planted",
    "planted_blocks",
    "planted_layers",
    "planted_products",
    "planted_ways",
]
