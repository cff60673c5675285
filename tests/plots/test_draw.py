"""A picture is a real file, says what it shows, and is the same twice."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib import image

from crm_online.errors import InputError
from crm_online.plots import SegmentPicture, draw_segments, table
from crm_online.plots.lettering import Lettering
from crm_online.segments.hierarchy import join
from crm_online.segments.linkage import Linkage

ROOT = Path(__file__).parents[2]

DrawnShop = Callable[..., SegmentPicture]
CUNEIFORM = "\U00012000"
NAMES = ["Frequent big spenders", "Lapsed small spenders", "New customers"]
HOSTILE = [
    r"$x^2$ & <b>bold</b> \frac{1}{2}",
    "_hidden",
    "%s {0} \\n 100$",
    "大口消费者与经常购买的客户群体",
    "عملاء دائمون",
    "Очень верные покупатели",
    "two\nlines\tand\x00nul\u202e\ud800\ufffe",
    "W" * 500,
    "",
]


def test_a_png_is_an_image_that_fits_a_screen(shop: DrawnShop, tmp_path: Path) -> None:
    draw_segments(shop(NAMES), tmp_path / "picture.png")
    pixels = np.asarray(image.imread(tmp_path / "picture.png"))
    assert pixels.shape[1] == 1560
    assert 700 < pixels.shape[0] < 1250
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_an_svg_says_every_segments_name_size_share_description_and_need(shop: DrawnShop, tmp_path: Path) -> None:
    texts = _texts(shop(NAMES, traits={"s2": ["contacts: delivery", "feedback 0.34"]}), tmp_path)
    for place, name in enumerate(NAMES):
        assert texts.count(name) == 3, "at its centre, in the tree, and in the table"
        assert f"Spends {place} times the average." in texts
    assert {"s1 · 67", "67", "33.5 %", "contacts: delivery; feedback 0.34", "what its customers need and say"} <= set(
        texts
    )


def test_where_nothing_is_known_of_needs_there_is_no_column_for_them(shop: DrawnShop, tmp_path: Path) -> None:
    assert "what its customers need and say" not in _texts(shop(NAMES, traits={"s1": []}), tmp_path)


def test_the_axes_name_the_features_and_count_in_their_units(shop: DrawnShop, tmp_path: Path) -> None:
    texts = _texts(shop(NAMES), tmp_path, ["returned", "recency"])
    assert {"returned (share)", "recency (days)", "20 %", "10"} <= set(texts)


def test_the_principal_axes_name_their_strongest_features(shop: DrawnShop, tmp_path: Path) -> None:
    across, up = (
        next(text for text in _texts(shop(NAMES), tmp_path) if text.startswith(f"axis {n} (")) for n in (1, 2)
    )
    assert any(feature in across for feature in ("spending", "recency"))
    assert across.endswith(("+", "\N{MINUS SIGN}"))
    assert up != across


@pytest.mark.parametrize("method", list(Linkage))
def test_the_tree_names_its_linkage_and_its_unit(shop: DrawnShop, tmp_path: Path, method: Linkage) -> None:
    picture = shop(NAMES)
    tree = join(["s1", "s2", "s3"], picture.centroids, np.array([67, 67, 66]), method)
    texts = _texts(replace(picture, hierarchy=tree), tmp_path)
    assert f"How the segments join: {method.value} linkage" in texts
    assert any(text.endswith("(standard deviations)") for text in texts)


def test_the_average_linkage_is_not_labelled_as_a_distance_of_customers(shop: DrawnShop, tmp_path: Path) -> None:
    label = "mean distance of their centres, weighted by customers (standard deviations)"
    assert label in " ".join(_texts(shop(NAMES), tmp_path))


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_segments_make_the_same_bytes(shop: DrawnShop, tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    draw_segments(shop(NAMES), first)
    with matplotlib.rc_context({"font.size": 30.0, "axes.facecolor": "red"}):
        draw_segments(shop(NAMES), second)
    assert first.read_bytes() == second.read_bytes()


def test_another_process_makes_the_same_bytes(shop: DrawnShop, tmp_path: Path) -> None:
    script = (
        "import importlib.util, sys; from crm_online.plots import draw_segments;"
        "spec = importlib.util.spec_from_file_location('shops', sys.argv[1]);"
        "shops = importlib.util.module_from_spec(spec); spec.loader.exec_module(shops);"
        f"draw_segments(shops._shop({NAMES!r}), sys.argv[2])"
    )
    draw_segments(shop(NAMES), tmp_path / "here.svg")
    command = [sys.executable, "-c", script, str(Path(__file__).with_name("conftest.py")), str(tmp_path / "there.svg")]
    subprocess.run(command, check=True, cwd=ROOT)
    assert (tmp_path / "here.svg").read_bytes() == (tmp_path / "there.svg").read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_hostile_names_are_drawn_without_a_warning(shop: DrawnShop, tmp_path: Path, suffix: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_segments(shop(HOSTILE), tmp_path / f"picture{suffix}")


def test_names_of_any_script_stand_in_the_svg_as_they_are_or_cut(shop: DrawnShop, tmp_path: Path) -> None:
    texts = _texts(shop(HOSTILE), tmp_path)
    for start in (
        "$x^2$ & <b>bold</b>",
        "_hidden",
        "%s {0} \\n 100$",
        "大口消费者与",
        "عملاء دائمون",
        "Очень верные",
        "two lines",
    ):
        assert sum(text.startswith(start) for text in texts) == 3, start
    assert max(map(len, texts)) < 120


@pytest.mark.parametrize("count", [9, 20, 64])
def test_the_legend_is_read_row_by_row_the_largest_first(shop: DrawnShop, tmp_path: Path, count: int) -> None:
    draw_segments(shop([f"Segment {n}" for n in range(count)], customers=10 * count + 5), tmp_path / "picture.svg")
    root = ElementTree.parse(tmp_path / "picture.svg").getroot()
    legend = {}
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        if " · " in (words := "".join(text.itertext())):
            legend[words.split(" ")[0]] = (float(text.get("y", "")), float(text.get("x", "")))
    ids = [f"s{n + 1}" for n in range(count)]
    assert len(legend) >= min(count, 15)
    assert sorted(legend, key=lambda name: legend[name]) == ids[: len(legend)]
    assert len({y for y, _ in legend.values()}) <= 2


@pytest.mark.parametrize("count", [11, 20])
def test_up_to_twenty_segments_have_a_row_each_across_the_whole_picture(
    shop: DrawnShop, tmp_path: Path, count: int
) -> None:
    names = [f"Segment number {place}" for place in range(count)]
    needs = {f"s{place + 1}": ["age group 18-25", f"buys item {place}"] for place in range(count)}
    texts = _texts(shop(names, traits=needs), tmp_path)
    assert all(f"age group 18-25; buys item {place}" in texts for place in range(count))


def test_no_header_of_a_narrow_table_runs_out_of_its_column(shop: DrawnShop) -> None:
    picture = shop([f"Segment {n}" for n in range(30)], traits={"s1": ["buys tea"]})
    letters = Lettering(["what its customers need and say"], keep=False)
    for width in (5.0, 6.8, 9.0, 12.4):
        found = table.lay_out(picture, letters, width, 4.0)
        ends = [*found.columns[1:], found.width]
        for header, begin, end in zip(found.headers, found.columns, ends, strict=True):
            if header not in ("customers", "share"):  # these end at their column
                assert begin + letters.width(header, table.SIZE) <= end, (width, header)


@pytest.mark.parametrize(("suffix", "kept"), [(".png", "�"), (".svg", CUNEIFORM)])
def test_letters_that_no_font_has_are_handed_back(shop: DrawnShop, tmp_path: Path, suffix: str, kept: str) -> None:
    picture = shop([f"big {CUNEIFORM}", "small"])
    assert draw_segments(picture, tmp_path / f"picture{suffix}") == CUNEIFORM
    assert Lettering([CUNEIFORM], keep=suffix == ".svg").drawn(CUNEIFORM) == kept
    assert draw_segments(shop(NAMES), tmp_path / f"picture{suffix}") == ""


@pytest.mark.parametrize("count", [1, 2, 10, 11, 20, 21, 64, 80])
def test_any_number_of_segments_fits(shop: DrawnShop, tmp_path: Path, count: int) -> None:
    names = [f"Segment number {place}" for place in range(count)]
    texts = _texts(shop(names, customers=160), tmp_path)
    assert set(names) <= set(texts)
    assert ("One segment makes no tree." in texts) == (count == 1)


def test_without_a_tree_the_segments_are_listed(shop: DrawnShop, tmp_path: Path) -> None:
    texts = _texts(replace(shop(NAMES), hierarchy=None), tmp_path)
    assert set(NAMES) <= set(texts)
    assert "There is no tree of these segments." in texts


@pytest.mark.parametrize("axes", [None, ["spending", "returned"]])
def test_without_customers_in_the_sample_the_centres_are_drawn(
    shop: DrawnShop, tmp_path: Path, axes: list[str] | None
) -> None:
    picture = shop(NAMES)
    for nobody in (
        replace(picture, vectors=np.zeros((0, 3), np.int16), labels=[]),
        replace(picture, labels=[None] * 199 + ["gone"]),
        replace(
            picture, vectors=np.zeros((0, 3), np.int16), labels=[], centroids=np.full((3, 3), np.nan), hierarchy=None
        ),
    ):
        texts = _texts(nobody, tmp_path, axes)
        assert any(text.startswith("no customers in the sample") for text in texts)


def test_customers_who_are_all_alike_are_drawn(shop: DrawnShop, tmp_path: Path) -> None:
    picture = replace(shop(["Everybody"]), vectors=np.zeros((200, 3), np.int16), centroids=np.zeros((1, 3)))
    assert "axis 1 (0 %): nothing varies" in _texts(picture, tmp_path)
    assert "spending (money)" in _texts(picture, tmp_path, ["spending", "recency"])


@pytest.mark.parametrize(
    ("file", "axes", "says"),
    [
        ("picture.pdf", None, r"a picture is a \.png or \.svg file, and 'picture\.pdf' is neither"),
        ("picture", None, r"\.png or \.svg"),
        ("picture.png", ["spendin", "recency"], "no feature 'spendin' in this model; did you mean spending"),
        ("picture.png", ["x", "recency"], "there are spending, recency, returned"),
        ("picture.png", ["recency"], "two different features"),
        ("picture.png", ["recency", "recency"], "two different features"),
        ("missing/picture.png", None, "cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_one_clear_line(
    shop: DrawnShop, tmp_path: Path, file: str, axes: list[str] | None, says: str
) -> None:
    with pytest.raises(InputError, match=says) as raised:
        draw_segments(shop(NAMES), tmp_path / file, axes)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_no_segments_are_one_clear_line(shop: DrawnShop, tmp_path: Path) -> None:
    nothing = replace(shop(NAMES), segments=[], centroids=np.zeros((0, 3)), hierarchy=None)
    with pytest.raises(InputError, match="no segments yet"):
        draw_segments(nothing, tmp_path / "picture.png")


def test_matplotlib_is_imported_only_to_draw() -> None:
    script = "import sys, crm_online.plots; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_a_missing_matplotlib_is_one_clear_line(
    shop: DrawnShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"^a picture needs matplotlib: pip install 'crm-online\[plots\]'$"):
        draw_segments(shop(NAMES), tmp_path / "picture.png")


def test_shapes_that_do_not_fit_are_refused(shop: DrawnShop) -> None:
    picture = shop(NAMES)
    with pytest.raises(ValueError, match="centroids of shape"):
        replace(picture, centroids=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="vectors of shape"):
        replace(picture, labels=[])
    with pytest.raises(ValueError, match="the tree has segments"):
        replace(picture, hierarchy=join(["s1", "s9"], np.zeros((2, 3)), np.ones(2, np.int64)))


def _texts(picture: SegmentPicture, folder: Path, axes: list[str] | None = None) -> list[str]:
    """Return all texts of the picture as an SVG."""
    draw_segments(picture, folder / "picture.svg", axes)
    root = ElementTree.parse(folder / "picture.svg").getroot()
    return ["".join(text.itertext()).strip() for text in root.iter("{http://www.w3.org/2000/svg}text")]
