"""The traits of a segment as short phrases for tables and pictures."""

from __future__ import annotations

from crm_online.traits.by_segment import FeedbackTrait, SegmentTraits, TraitShare, is_less


def phrases(traits: SegmentTraits) -> dict[str, list[str]]:
    """Return phrases by heading; a heading without any is left out.

    Examples
    --------
    >>> share = TraitShare(name="age_group", value="18-25", share=0.31, everybody=0.12, ratio=2.58, customers=45)
    >>> wine = TraitShare(value="wine", share=0.1, everybody=0.04, ratio=2.5, customers=30)
    >>> tea = TraitShare(value="tea", everybody=0.2)
    >>> score = FeedbackTrait(score=0.31, everybody=0.6, unhappy=0.7, unhappy_everybody=0.2, customers=30)
    >>> traits = SegmentTraits(customers=145, attributes=[share], contact_reasons=[], feedback=score, items=[wine, tea])
    >>> for heading, lines in phrases(traits).items():
    ...     print(heading, lines)
    who they are ['age group 18-25: 31 % (everybody 12 %)']
    what they buy more than everybody ['wine 2.5 ×']
    what they buy less ['tea']
    what they say ['score 0.31 (average 0.60), 70 % unhappy']
    """
    found = {
        "who they are": [_share(one) for one in traits["attributes"]],
        "why they get in touch": [_share(one) for one in traits["contact_reasons"]],
        "what they buy more than everybody": [_item(one) for one in traits["items"] if not is_less(one)],
        "what they buy less": [_item(one) for one in traits["items"] if is_less(one)],
        "what they say": [_feedback(traits["feedback"])] if traits["feedback"] else [],
    }
    return {heading: lines for heading, lines in found.items() if lines}


def in_brief(traits: SegmentTraits, most: int = 3) -> list[str]:
    """Return what a segment has more of than the population, a few words for each kind; for where there is little room.

    Examples
    --------
    >>> share = TraitShare(name="age_group", value="18-25", share=0.31, everybody=0.12, ratio=2.58, customers=45)
    >>> wine = TraitShare(value="wine", share=0.1, everybody=0.04, ratio=2.5, customers=30)
    >>> in_brief(SegmentTraits(customers=145, attributes=[share], contact_reasons=[], feedback=None, items=[wine]))
    ['age group 18-25', 'buys wine']
    """
    attributes = [_label(one) for one in traits["attributes"] if not is_less(one)][:most]
    reasons, items = (
        [one["value"] for one in shares if not is_less(one)][:most]
        for shares in (traits["contact_reasons"], traits["items"])
    )
    found = [", ".join(attributes)] if attributes else []
    found += [f"gets in touch about {', '.join(reasons)}"] if reasons else []
    found += [f"buys {', '.join(items)}"] if items else []
    feedback = traits["feedback"]
    return found + ([f"feedback {feedback['score']:.2f} (average {feedback['everybody']:.2f})"] if feedback else [])


def _label(one: TraitShare) -> str:
    """Return an attribute with its value, or its mean."""
    return _what(one) if "value" in one else f"{_what(one)} {one['share']:.3g}"


def _what(one: TraitShare) -> str:
    """Return what a share is of."""
    named = (one.get("name", "").replace("_", " "), one.get("value", ""))
    return " ".join(part for part in named if part)


def _share(one: TraitShare) -> str:
    if "value" not in one:
        return f"{_label(one)} (average {one['everybody']:.3g})"
    if "share" not in one:
        return f"less often {_what(one)} (everybody {_percent(one['everybody'])})"
    bound = f"{one['bound']} " if "bound" in one else ""
    return f"{_what(one)}: {bound}{_percent(one['share'])} (everybody {_percent(one['everybody'])})"


def _item(one: TraitShare) -> str:
    # An item's share of all order lines is too small a number to mean anything to a person.
    return f"{one['value']} {one['ratio']:.2g} ×" if "ratio" in one else one["value"]


def _feedback(one: FeedbackTrait) -> str:
    text = f"score {one['score']:.2f} (average {one['everybody']:.2f})"
    return f"{text}, {_percent(one['unhappy'])} unhappy" if "unhappy" in one else text


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"
