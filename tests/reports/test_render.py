"""The report as a whole: hostile text is inert on every page, links resolve, names are safe."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from evaluation.errors import EvaluationError
from evaluation.records import Interval, Result, Score
from evaluation.reports import TierReport, links, render_report
from evaluation.reports import format as fmt
from evaluation.reports.site import TEMPLATES, environment
from tests.reports.builders import HOSTILE, Page, aggregate, hostile, pages, result, write
from tests.synthetic_tier import aggregate_of, comparisons_of, cost_of, presets_of, tier

MODELS = ["alder_8b", "m 2/../5"]
DATASETS = ["gsm8k", "arc_challenge"]
# Pages of a report whatever is in it.
FIXED = {"index.html", "samples.html", "performance.html", "presets.html", "provenance.html"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two models, one of them with a name that is no file name."""
    results = list(tier(MODELS, DATASETS, 12, name="quick"))
    made = aggregate_of(results, MODELS, DATASETS, "quick")
    compared = comparisons_of(results, MODELS, DATASETS, "quick")
    report = TierReport(made, compared, cost_of(made, compared), presets_of(MODELS))
    folder = tmp_path_factory.mktemp("site")
    assert render_report(report, iter(results), folder) == folder / "index.html"
    return folder


# ---- safety --------------------------------------------------------------------------------


def test_hostile_text_is_inert_on_every_page(tmp_path: Path) -> None:
    write(tmp_path, [hostile()], ["m_one"], ["gsm8k"])
    found = pages(tmp_path)
    assert len(found) == 6
    own = [path.read_text(encoding="utf-8") for path in (TEMPLATES / "scripts").glob("*.js")]
    for path, page in found:
        assert not {"img", "iframe", "object", "link", "base"} & set(page.tags), path
        names = {k for _, k, _ in page.attributes}
        assert not {n for n in names if n.startswith("on") or n in ("style", "src", "srcdoc")}, path
        raw = path.read_text(encoding="utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", raw)
        assert page.scripts
        assert set(page.scripts) <= set(own), path
    # Every page that shows the dataset's title shows all of it.
    for name in ("index.html", "models/m_one.html"):
        page = Page((tmp_path / name).read_text(encoding="utf-8"))
        assert "<script>alert(1)</script>" in page.text
        assert "{{ 7*7 }}" in page.text
        assert "⟨U+202E⟩evil⟨U+202C⟩" in page.text


def test_data_of_samples_is_ascii_and_closes_no_script(tmp_path: Path) -> None:
    write(tmp_path, [hostile()], ["m_one"], ["gsm8k"])
    files = list((tmp_path / "samples").rglob("*.js"))
    assert files
    for path in files:
        assert path.read_bytes().isascii()
        assert b"<" not in path.read_bytes()


def test_policy_allows_the_style_and_the_scripts_and_nothing_else(site: Path) -> None:
    for path, page in pages(site):
        (policy,) = (v for v in page.values("content") if "default-src" in v)
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert f"style-src '{digest(page.style)}'" in policy, path
        assert page.tags.count("style") == 1
        assert [s for s in page.scripts if f"'{digest(s)}'" not in policy] == [], path
        assert "url(" not in page.style
        assert "@import" not in page.style
        outside = ("http:", "https:", "//", "data:", "javascript:")
        assert not [v for v in page.values("href") if v.startswith(outside)], path


def digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def test_pages_are_accessible(site: Path) -> None:
    for path, page in pages(site):
        assert ("html", "lang", "en") in page.attributes
        assert page.tags.count("h1") == 1, path
        assert page.tags.count("main") == 1
        assert page.tags.count("table") == page.tags.count("caption"), path
        scopes = sum(t == "th" and k == "scope" for t, k, _ in page.attributes)
        assert page.tags.count("th") == scopes, path
        levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
        assert all(b - a <= 1 for a, b in pairwise(levels)), (path, levels)
        ids = page.values("id")
        assert len(ids) == len(set(ids)), path
        assert {one for v in page.values("aria-labelledby") for one in v.split()} <= set(ids), path


def test_undefined_variables_are_errors() -> None:
    with pytest.raises(UndefinedError):
        environment().get_template("overview.html").render()


def test_templates_mark_nothing_as_safe() -> None:
    for path in TEMPLATES.rglob("*.html"):
        assert not re.search(r"\|\s*safe|autoescape", path.read_text(encoding="utf-8")), path


# ---- pages and links -----------------------------------------------------------------------


def test_every_link_leads_to_a_page_and_every_page_is_led_to(site: Path) -> None:
    found = pages(site)
    names = {path.relative_to(site).as_posix() for path, _ in found}
    assert names == FIXED | {
        *(links.model_page(model) for model in MODELS),
        links.pair_page(*MODELS),
    }
    ids = {path.resolve(): set(page.values("id")) for path, page in found}
    targets = set()
    for path, page in found:
        for href in page.values("href"):
            file, _, anchor = href.partition("#")
            target = (path.parent / file).resolve() if file else path.resolve()
            assert target in ids, (path, href)
            # The samples page reads its address by itself.
            asked = "=" in anchor and target.name == links.SAMPLES
            assert not anchor or asked or anchor in ids[target], (path, href)
            targets.add(target)
    assert targets == set(ids)


@pytest.mark.parametrize(
    "name", ["../up", "a/b", "", ".hidden", "a\x00b", "a b", "\ud800", "x" * 300]
)
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    for path in (
        links.model_page(name),
        links.pair_page(name, name),
        links.cell_data(name, name) + "/x",
    ):
        parts = path.split("/")
        assert ".." not in parts
        assert "" not in parts
        assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", part) for part in parts)
        assert all(len(part) <= 255 for part in parts)
    assert links.file_name(name) != links.file_name(f"{name}?")


def test_a_hostile_name_of_a_model_renders_everywhere(tmp_path: Path) -> None:
    bad = hostile().model_copy(update={"model": HOSTILE, "dataset": HOSTILE})
    write(tmp_path, [bad], [HOSTILE], [HOSTILE])
    found = pages(tmp_path)
    assert len(found) == 6
    assert all(path.resolve().is_relative_to(tmp_path.resolve()) for path, _ in found)
    for path, page in found:
        assert not {"img", "iframe", "object"} & set(page.tags), path


# ---- contract ------------------------------------------------------------------------------


def test_results_are_taken_one_at_a_time(tmp_path: Path) -> None:
    results = [result("m_one"), result("m_two")]

    def stream() -> Iterator[Result]:
        yield results[0]
        assert (tmp_path / links.cell_data("m_one", "gsm8k") / "index.js").is_file()
        yield results[1]

    made = TierReport(aggregate(results, ["m_one", "m_two"], ["gsm8k"]))
    assert render_report(made, stream(), tmp_path) == tmp_path / "index.html"


def test_a_cell_without_its_result_has_no_link_to_samples(tmp_path: Path) -> None:
    made = TierReport(aggregate([result()], ["m_one"], ["gsm8k"]))
    page = Page(render_report(made, [], tmp_path).read_text(encoding="utf-8"))
    assert "70.0%" in page.words
    assert not [href for href in page.values("href") if "samples.html#" in href]


def test_a_report_of_nothing_has_all_its_pages(tmp_path: Path) -> None:
    render_report(TierReport(aggregate([], ["m_one"], ["gsm8k"])), [], tmp_path)
    assert {p.relative_to(tmp_path).as_posix() for p, _ in pages(tmp_path)} == FIXED | {
        "models/m_one.html"
    }


def test_results_and_aggregate_must_belong_together(tmp_path: Path) -> None:
    one = result()
    whole = TierReport(aggregate([one], ["m_one"], ["gsm8k"]))
    with pytest.raises(EvaluationError, match="not a cell"):
        render_report(whole, [result("m_two")], tmp_path)
    with pytest.raises(EvaluationError, match="not a cell"):
        render_report(whole, [result(tier="full")], tmp_path)
    with pytest.raises(EvaluationError, match="twice"):
        render_report(whole, [one, one], tmp_path)
    twice = replace(whole, aggregate=aggregate([one, one], ["m_one"], ["gsm8k"]))
    with pytest.raises(EvaluationError, match="there twice"):
        render_report(twice, [], tmp_path)
    unknown = replace(whole, aggregate=aggregate([one], ["m_two"], ["gsm8k"]))
    with pytest.raises(EvaluationError, match="not listed"):
        render_report(unknown, [], tmp_path)


# ---- numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("acc_norm", 0.7, "70.0%"),
        ("exact_match_strict", 1.0, "100.0%"),
        ("pass@1", 0.0, "0.0%"),
        ("math_verify", 0.25, "25.0%"),
        ("f1", 0.5, "0.500"),
        ("rating", 7.25, "7.25"),
        ("acc", 1.5, "1.50"),
    ],
)
def test_numbers(metric: str, value: float, expected: str) -> None:
    assert fmt.number(metric, value) == expected


def test_intervals_off_the_percent_scale() -> None:
    found = Interval(low=6.5, high=8, method="bootstrap (1000 draws)")
    assert fmt.interval("rating", found) == "6.50 to 8.00"
    assert fmt.method(found) == "95% bootstrap (1000 draws)"
    assert fmt.interval("rating", None) == fmt.NONE


def test_only_scores_from_0_to_1_are_coloured() -> None:
    def colour(metric: str, value: float | None) -> str:
        return fmt.heat(Score(metric=metric, value=value, n=1))

    assert [colour("acc", v) for v in (0.0, 0.09, 0.5, 1.0)] == ["h0", "h0", "h5", "h9"]
    assert [colour("acc", None), colour("rating", 0.5), colour("f1", 1.2)] == ["", "", ""]


def test_sizes_durations_and_digests() -> None:
    assert [fmt.size(0), fmt.size(5 << 20), fmt.size(3 << 29)] == [fmt.NONE, "5.0 MiB", "1.5 GiB"]
    assert [fmt.duration(t) for t in (0.25, 119, 200, 7500)] == [
        "0.2 s",
        "119.0 s",
        "3 min 20 s",
        "2 h 5 min",
    ]
    assert fmt.short("sha256:" + "ab" * 32) == "sha256:abababababab"
    assert [fmt.short("bundled"), fmt.short("")] == ["bundled", fmt.NONE]
    assert fmt.one_line("a\n b" + "x" * 99, 10) == "a bxxxxxx…"
    assert fmt.one_line("word " * 5000, 10) == "word word…"


def test_joiners_and_line_feeds_are_not_replaced() -> None:
    assert fmt.visible("a\n\tb\u200d\u200c é 中") == "a\n\tb\u200d\u200c é 中"
    assert fmt.visible("\r\x7f\x85") == "␍␡⟨U+0085⟩"
