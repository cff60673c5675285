"""Pictures of how good predictions are."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from crm_online.errors import InputError
from crm_online.plots import draw_predictions
from tests.predictions.judged import predictions


def test_a_picture_of_predictions_has_each_target_with_its_three_charts(tmp_path: Path) -> None:
    drawn = tmp_path / "drawn.svg"
    assert draw_predictions(predictions("purchase", "responded $to$"), drawn) == ""
    texts = [element.text for element in ElementTree.parse(drawn).iter("{http://www.w3.org/2000/svg}text")]
    for title in ("Calibration", "Over time, each predicted before it was known", "Gains"):
        assert texts.count(title) == 2
    assert {"predicted chance of purchase", "predicted chance of responded $to$", "ensemble", "btyd"} <= set(texts)


def test_the_same_predictions_make_the_same_bytes(tmp_path: Path) -> None:
    pictures = [tmp_path / name for name in ("one.png", "other.png")]
    for picture in pictures:
        draw_predictions(predictions("purchase"), picture)
    one, other = (picture.read_bytes() for picture in pictures)
    assert one == other
    assert one.startswith(b"\x89PNG")


def test_before_an_outcome_is_known_there_is_nothing_to_draw(tmp_path: Path) -> None:
    nothing = {**predictions(), "curves": [{"name": "tree", "target": "purchase", "calibration": [], "gains": []}]}
    with pytest.raises(InputError, match="no prediction was judged yet"):
        draw_predictions(nothing, tmp_path / "drawn.png")
    assert not list(tmp_path.iterdir())
