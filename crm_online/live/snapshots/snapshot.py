"""What a snapshot holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crm_online.answers.service import Status
from crm_online.live.snapshots.document import Document
from crm_online.live.snapshots.rulebook import RuleBook
from crm_online.lookup.shop_history import ShopHistory


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The whole state at one time, as far as look-ups need all of it; it never changes.

    The segments and the rules are each of one time, but not always of the same:
    see :mod:`crm_online.live.snapshots.making`.

    Attributes
    ----------
    segments_document, segment_documents
        The segments as they are sent, with the content of ``crm-online segments --json``; and each by its id.
    history
        What is known of the shop's past besides the changes that are kept.
    picture, sizes
        The picture and the history of sizes, as they are sent.
    predictions
        How good predictions are, as it is sent.
    rules
        The rules of all customers, with the content of ``crm-online rules --json``.
    segment_rules
        Those of each segment, by its id, with the content of ``crm-online rules --segment ID --json``.
    derived
        What the function that `Snapshots` was given made of the baskets; ``None`` without one.
    status
        The status of the state.
    """

    segments_document: Document
    segment_documents: Mapping[str, Document]
    history: ShopHistory
    picture: Document
    sizes: Document
    predictions: Document
    rules: RuleBook
    segment_rules: Mapping[str, RuleBook]
    derived: object
    status: Status
