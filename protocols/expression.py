"""The protocol for expressions: does a restored face still show the expression that it had?

Source: Sola and Gera (ECGAN), CVPR Workshops 2023, sections 4.2 to 4.5: a classifier that was
trained on unoccluded faces is asked about the same faces covered and restored.
"""

from __future__ import annotations

from restore_recog.labels import EXPRESSION
from restore_recog.protocols.labelled import Labelled


class Expression(Labelled):
    """As the protocol 'quality', with the images whose expression is known, for a classifier.

    Raises:
        DataError: There is an argument.
    """

    name = "expression"
    version = 1
    label = EXPRESSION
    says = "ferplus:PATH or rafdb:PATH"
    verb = "shows"
