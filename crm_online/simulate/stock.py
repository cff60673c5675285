"""What the shop sells, and the rules that are planted in its baskets.

The items of planted rules are in no other rule, and come into every basket with the same chances, whoever
buys: so confidence and lift of each rule are known beforehand, and no segment makes rules by the way. Other items
come from the common stock, of which each segment likes some a little more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

STAPLE, STAPLE_CHANCE = "milk", 0.31
"""In a third of the baskets whatever else is in them: it makes many rules, with a lift of 1."""


@dataclass(frozen=True, slots=True)
class PlantedRule:
    """A rule X ⇒ y that is planted.

    Attributes
    ----------
    antecedent, consequent
        The items of X (one or two), and y.
    chance
        Of each item of X to be in a basket; two are independent.
    confidence
        Of y to be in a basket that holds X while the rule is in force.
    base_rate
        Of y to be in any other basket.
    begins, ends
        ``True`` if the rule begins, or ends, on the day of the shift.
    """

    antecedent: tuple[str, ...]
    consequent: str
    chance: float
    confidence: float
    base_rate: float
    begins: bool = False
    ends: bool = False

    @property
    def items(self) -> tuple[str, ...]:
        """X and y."""
        return (*self.antecedent, self.consequent)

    def holds(self, shifted: bool) -> bool:
        """Return whether the rule is in force, before the shift or after it."""
        return not (self.ends if shifted else self.begins)

    def share(self, items: frozenset[str]) -> float:
        """Return the planned share of baskets with these of its items (among others) while the rule is in force.

        Examples
        --------
        >>> rule = PlantedRule(("tea",), "honey", chance=0.1, confidence=0.5, base_rate=0.05)
        >>> [round(rule.share(frozenset(items)), 4) for items in (["tea"], ["honey"], ["tea", "honey"])]
        [0.1, 0.095, 0.05]
        """
        given = self.chance ** len(items - {self.consequent})
        if self.consequent not in items:
            return given
        whole = self.chance ** len(self.antecedent)
        return whole * self.confidence + (given - whole) * self.base_rate

    def measures(self, x: frozenset[str], y: frozenset[str]) -> tuple[float, float]:
        """Return planned confidence and lift of a rule between some of its items while the rule is in force."""
        confidence = self.share(x | y) / self.share(x)
        return confidence, confidence / self.share(y)

    def follows(self) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
        """Yield all other rules between its items: its reverse, and those of parts of them."""
        for size in range(2, len(self.items) + 1):
            for items in combinations(self.items, size):
                for left in range(1, size):
                    for x in combinations(items, left):
                        y = frozenset(items) - frozenset(x)
                        if (frozenset(x), y) != (frozenset(self.antecedent), frozenset({self.consequent})):
                            yield frozenset(x), y


RULES: tuple[PlantedRule, ...] = (
    PlantedRule(("pasta",), "tomato sauce", chance=0.030, confidence=0.60, base_rate=0.020),
    PlantedRule(("coffee",), "coffee filters", chance=0.033, confidence=0.55, base_rate=0.010),
    PlantedRule(("tortillas",), "salsa", chance=0.028, confidence=0.65, base_rate=0.012),
    PlantedRule(("hot dogs",), "mustard", chance=0.036, confidence=0.50, base_rate=0.030),
    PlantedRule(("cereal",), "raisins", chance=0.036, confidence=0.50, base_rate=0.020),
    PlantedRule(("tea",), "honey", chance=0.033, confidence=0.55, base_rate=0.050),
    PlantedRule(("toothbrush",), "toothpaste", chance=0.026, confidence=0.70, base_rate=0.030),
    PlantedRule(("salmon",), "lemons", chance=0.033, confidence=0.55, base_rate=0.060),
    PlantedRule(("charcoal",), "sausages", chance=0.037, confidence=0.65, base_rate=0.020, begins=True),
    PlantedRule(("mulled wine",), "gingerbread", chance=0.033, confidence=0.60, base_rate=0.015, ends=True),
    PlantedRule(("flour", "eggs"), "baking powder", chance=0.153, confidence=0.80, base_rate=0.008),
)

_COMMON = """
apples; apricots; bananas; blueberries; cherries; grapes; melon; oranges; peaches; pears; plums; avocado;
broccoli; cabbage; carrots; celery; cucumber; garlic; leeks; lettuce; mushrooms; onions; peppers; potatoes;
radishes; spinach; tomatoes; rolls; rye bread; croissants; bagels; butter; cheddar; cream; feta; mozzarella;
parmesan; quark; yoghurt; beef; chicken; ham; lamb; salami; turkey; cod; shrimps; tuna; tofu; hummus; falafel;
granola; oats; rice; couscous; lentils; chickpeas; noodles; olive oil; vinegar; pepper; salt; sugar; cinnamon;
jam; peanut butter; chocolate; biscuits; crisps; popcorn; nuts; ice cream; apple juice; orange juice; cola;
energy drink; mineral water; beer; red wine; white wine; newspaper; magazine; batteries; light bulbs; lamp;
kettle; glasses; plates; headphones; candles; napkins; kitchen roll; toilet paper; soap; shampoo; detergent;
sponges; nappies; wipes; baby food; cat food; dog food
"""

COMMON: tuple[str, ...] = tuple(" ".join(name.split()) for name in _COMMON.split(";"))
"""Everything else the shop sells, the most popular first."""
