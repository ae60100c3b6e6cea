"""The report as Snakemake sees it: what packs it, what renders it again, how a tier changed."""

from __future__ import annotations

import os
import signal
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from zipfile import ZipFile

from evaluation.files import read_record
from evaluation.history import read
from evaluation.records import Aggregate
from tests.end_to_end.project import Project, wait_until
from tests.reports.builders import Page

REPORT = Path("reports/quick")
HISTORY = Path("results/quick/history.jsonl")
PROVENANCE = REPORT / "provenance.html"


def page(project: Project, path: Path) -> str:
    return Page((project.folder / path).read_text(encoding="utf-8")).words


def test_snakemake_packs_every_page_and_its_links_hold(project: Project) -> None:
    project.run("--cores", "1", "results/quick/all.json", "--report", "report.zip")
    with ZipFile(project.folder / "report.zip") as packed:
        names = {name for name in packed.namelist() if name.startswith("report/data/")}
        texts = {name: packed.read(name).decode() for name in names if name.endswith(".html")}
        first = packed.read("report/report.html").decode()
    (start,) = [name for name in names if name.endswith("/index.html")]
    root = PurePosixPath(start).parent
    there = {str(PurePosixPath(name).relative_to(root)) for name in names}
    own = project.folder / REPORT
    files = (path for path in own.rglob("*") if path.is_file())
    assert there == {str(p.relative_to(own)) for p in files if p.name != ".snakemake_timestamp"}
    links = 0
    for name, text in texts.items():
        for link in Page(text).values("href"):
            path = unquote(urlsplit(link).path)
            target = os.path.normpath(PurePosixPath(name).parent / path) if path else name
            assert target in names, (name, link)
            links += 1
    assert links > len(texts)
    # The captions and the label of the tier are in the page that Snakemake makes.
    for words in ("Evaluation reports", "sample by sample", "nothing is loaded from a network"):
        assert words in first


def test_the_shown_configuration_asks_for_the_same_run(project: Project) -> None:
    shown = Page((project.folder / PROVENANCE).read_text(encoding="utf-8"))
    assert "--configfile run.json" in shown.blocks[0]
    (project.folder / "run.json").write_text(shown.blocks[-1])
    config = project.config()
    config["tiers"] = {"quick": 3, "standard": 5, "full": 6}
    config["run"] = {"models": ["tiny_b"], "datasets": ["gsm8k"]}
    config["datasets"]["gsm8k"]["max_new_tokens"] = 9
    config["seed"] = 99
    project.write_config(config)
    assert "Nothing to be done" in project.quick("--configfile", "run.json")
    assert "Nothing to be done" not in project.quick("-n")


def test_captions_and_shown_settings_render_nothing_again(project: Project) -> None:
    for caption in (project.folder / "rules/captions").glob("*.rst"):
        caption.write_text(caption.read_text() + "\nEdited.\n")
    config = project.config()
    config["presets"]["balanced"]["batch_rows"] = 5
    project.write_config(config)
    assert "Nothing to be done" in project.quick()


def test_history_tells_what_changed_with_a_score(project: Project) -> None:
    assert "This is the first recorded run" in page(project, PROVENANCE)
    config = project.config()
    config["datasets"]["gsm8k"]["max_new_tokens"] = 9
    project.write_config(config)
    # What a full disk may leave of a line stops nothing.
    history = project.folder / HISTORY
    history.write_text(history.read_text() + '{"schema_version": 1, "rec')
    project.quick()
    found = read(history)
    assert (len(found.runs), found.unreadable) == (2, [2])
    words = page(project, PROVENANCE)
    assert "longest answer in tokens 12 to 9" in words
    assert "4 cells as before" in words
    assert "1 line of history.jsonl (2) cannot be read" in words
    before = history.read_bytes()
    assert "Nothing to be done" in project.quick()
    # Made again from the same results, it has nothing to add.
    (project.folder / "results/quick/all.json").unlink()
    project.quick()
    assert history.read_bytes() == before
    # Lost, it begins anew when the next report needs it.
    history.unlink()
    assert project.planned("results/quick/all.json") == {}
    template = project.folder / "evaluation/reports/templates/provenance.html"
    template.write_text(template.read_text() + "\n")
    assert set(project.planned("results/quick/all.json")) == {"total", "history", "report"}


def test_history_survives_a_kill(project: Project) -> None:
    script = project.folder / "scripts/history.py"
    text = script.read_text()
    work = "    def work() -> None:\n"
    assert text.count(work) == 1
    stamp = project.folder / "at_work"
    slow = f"        Path({str(stamp)!r}).touch()\n        __import__('time').sleep(600)\n"
    script.write_text(text.replace(work, work + slow))
    config = project.config()
    config["datasets"]["gsm8k"]["max_new_tokens"] = 9
    project.write_config(config)
    before = (project.folder / HISTORY).read_bytes()
    process = project.start("--cores", "1", "results/quick/all.json")
    wait_until(stamp.exists, 120)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    script.write_text(text)
    assert (project.folder / HISTORY).read_bytes() == before
    project.quick()
    assert len(read(project.folder / HISTORY).runs) == 2
    assert "Nothing to be done" in project.quick()


def test_result_of_another_version_is_missing_and_named(project: Project) -> None:
    cell = project.folder / "results/quick/tiny_a/gsm8k.json"
    whole = cell.read_text()
    cell.write_text(whole.replace('"schema_version": 1', '"schema_version": 99', 1))
    output = project.quick()
    assert "results/quick/tiny_a/gsm8k.json" in output
    (unread,) = read_record(project.folder / "results/quick/all.json", Aggregate).unread
    assert (unread.model, unread.dataset) == ("tiny_a", "gsm8k")
    words = page(project, PROVENANCE)
    assert "written by another version" in words
    assert "schema version 99" in words
    assert "delete results/quick/tiny_a/gsm8k.json" in words
    assert "1 cell gone" in words
    cell.unlink()
    project.quick()
    assert read_record(project.folder / "results/quick/all.json", Aggregate).unread == []
