"""The rules: who buys these items also buys those."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from crm_online.answers.rules import RuleInForce, Rules, Sort
from crm_online.api.documents import NOT_MODIFIED, IfNoneMatch, document
from crm_online.api.keys import requires
from crm_online.api.paths import ANYTHING
from crm_online.api.problems import ProblemError, problems
from crm_online.api.service import TheService
from crm_online.live.etags import etag_of
from crm_online.live.snapshots.rulebook import RuleBook, RuleFilter

router = APIRouter(prefix="/v1", tags=["rules"], dependencies=[Depends(requires("read"))], responses=NOT_MODIFIED)

MOST = 1000
"""Rules on a page, at most."""

Item = Annotated[str, Query(min_length=1, max_length=1000)]


@router.get("/rules", response_model=Rules)
async def get_rules(
    service: TheService,
    item: Annotated[
        list[Item] | None, Query(max_length=10, description="only rules with all of these items, each on either side")
    ] = None,
    text: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="only rules with an item that has this text in its name"),
    ] = None,
    segment: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            description="the rules of this segment instead of those of all customers: what its customers buy together "
            "more often than others, by the orders that are kept, each with how many of them (`customers`)",
        ),
    ] = None,
    liked_by: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            description="only rules for the customers of this segment: each item of the antecedent is a larger share "
            "of the order lines of its sampled customers than of all others', by more than two standard errors, and at "
            "least 10 of them bought it",
        ),
    ] = None,
    min_support: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False, description="least support")] = 0.0,
    min_confidence: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False, description="least confidence")] = 0.0,
    min_lift: Annotated[float, Query(ge=0, allow_inf_nan=False, description="least lift")] = 0.0,
    sort: Annotated[
        Sort, Query(description="by rank, the best first, or by a measure, the largest first and equals by rank")
    ] = "rank",
    limit: Annotated[int, Query(ge=1, le=MOST, description="rules on the page, at most")] = 100,
    after: Annotated[
        str | None,
        Query(
            max_length=200,
            description="`next` of the page before. If rules changed since, the page goes on after where that page's "
            "last rule was",
        ),
    ] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return rules that hold now, with the content of `crm-online rules --json`, page by page.

    All filters must hold. An item, a text or a segment that is not there has no rules.
    """
    found = service.snapshots.needed()
    book = found.rules
    if segment is not None:
        book = found.segment_rules.get(segment, RuleBook([], book.as_of))
    least = {"support": min_support, "confidence": min_confidence, "lift": min_lift}
    matching = RuleFilter(
        tuple(item or ()), text, liked_by, {name: value for name, value in least.items() if value > 0}
    )
    return document(book.page(matching, sort, limit, after).body, book.etag, if_none_match)


@router.get(f"/rules/{{rule_id:{ANYTHING}}}", response_model=RuleInForce, responses=problems(404))
async def get_rule(
    service: TheService,
    rule_id: Annotated[str, Path(max_length=4000, description='its key on the topic, such as [["bread"],["butter"]]')],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one rule that holds now."""
    found = service.snapshots.needed().rules.one(rule_id)
    if found is None:
        raise ProblemError(404, "no such rule now; /v1/rules has those that hold", kind="unknown-rule")
    return document(found, etag_of(found), if_none_match)
