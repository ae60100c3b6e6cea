"""A copy of the project with a tiny model, to run the real workflow in."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from evaluation.records import Response, ResponsesHeader, Result

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "rules", "scripts", "evaluation", "envs", "profiles", "resources")
DATASETS = ("gsm8k", "arc_challenge", "mt_bench")
STOP = """

def _stop(responses: int) -> None:
    texts = [path.read_text() for path in Path("results/journals").rglob("*.jsonl")]
    if sum(text.count('"kind": "response"') for text in texts) >= responses:
        os.kill(os.getpid(), 19)  # SIGSTOP
"""
SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")


class Project:
    """A project folder of its own and what can be asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, model: Path) -> Project:
        """Copy the project and configure two tiny models on three bundled datasets."""
        folder.mkdir(parents=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        config = yaml.safe_load((ROOT / "config.yaml").read_text())
        config["models"] |= {
            name: {"source": "path", "path": str(model)} for name in ("tiny_a", "tiny_b")
        }
        config["run"] = {"models": ["tiny_a", "tiny_b"], "datasets": list(DATASETS)}
        config["dataset_source"] = "bundled"
        config["tiers"] = {"quick": 4, "standard": 7, "full": 9}
        # Tests of the choice turn it on; with it, standard first runs all of quick.
        config["preset_selection"] = {"enabled": False}
        config["engine"] |= {"device": "cpu", "dtype": "float32"}
        for dataset in config["datasets"].values():
            dataset |= {"max_new_tokens": 12, "few_shot": 0}
        project = cls(folder)
        project.write_config(config)
        return project

    def copy(self, folder: Path) -> Project:
        """The same project with everything it has built, elsewhere."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def note_output(self, text: str) -> None:
        """Keep what the run that made this project printed."""
        self.folder.with_suffix(".txt").write_text(text)

    def first_output(self) -> str:
        """What `note_output` kept."""
        return self.folder.with_suffix(".txt").read_text()

    def config(self) -> Any:
        """The configuration as read from YAML."""
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    def write_config(self, config: Any) -> None:
        """Replace config.yaml."""
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `snakemake ARGUMENTS` in a process group of its own."""
        return subprocess.Popen(
            [SNAKEMAKE, *arguments],
            cwd=self.folder,
            env={**os.environ, "HF_HUB_OFFLINE": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start_and_stop(self, responses: int, *targets: str) -> subprocess.Popen[str]:
        """Start `snakemake TARGETS`; returns once its generate job has stopped itself.

        It does so when the journals hold that many responses, so that what a test does next meets
        a run in the middle of its work, however slow the machine or the test is.
        """
        journal = self.folder / "evaluation/journal.py"
        text = journal.read_text()
        synced = "                os.fsync(handle.fileno())\n"
        assert text.count(synced) == 1
        changed = text.replace(synced, f"{synced}        _stop({responses})\n")
        journal.write_text(changed + STOP)
        process = self.start("--cores", "1", *targets)
        wait_until(lambda: self.stopped_job() or process.poll() is not None)
        journal.write_text(text)
        assert process.poll() is None, process.communicate()[0]
        return process

    def stopped_job(self) -> int | None:
        """The process of this project's generate job, once it has stopped itself."""
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended, or is another's
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if (
                    b"scripts/generate.py" in words
                    and (entry / "cwd").samefile(self.folder)
                    and (entry / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                ):
                    return int(entry.name)
        return None

    def run(self, *arguments: str, code: int | None = 0, **environment: str) -> str:
        """Run `snakemake ARGUMENTS`; returns all it printed, having checked the exit code."""
        process = self.start(*arguments, **environment)
        output = process.communicate(timeout=500)[0]
        if code is not None:
            assert process.returncode == code, output
        return output

    def quick(self, *more: str, code: int | None = 0, **environment: str) -> str:
        """The project's own command line, word for word, and what is added to it."""
        words = ["--cores", "1", "--resources", "gpu=1", "results/quick/all.json"]
        return self.run(*words, *more, code=code, **environment)

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs by rule that a dry run of these arguments would run."""
        output = self.run("-n", "--cores", "1", *arguments)
        lines = output.split("job", 1)[-1].splitlines()
        words = [line.split() for line in lines]
        return {w[0]: int(w[1]) for w in words if len(w) == 2 and w[1].isdigit()}

    def snapshot(self, *patterns: str) -> dict[str, int]:
        """Modification times (ns) of matching files, by path."""
        return {
            str(path.relative_to(self.folder)): path.stat().st_mtime_ns
            for pattern in patterns
            for path in self.folder.glob(pattern)
            if path.is_file()
        }

    def result(self, tier: str, model: str, dataset: str) -> Result:
        """A cell's result."""
        path = self.folder / "results" / tier / model / f"{dataset}.json"
        return Result.model_validate_json(path.read_text())

    def responses_file(self, model: str, dataset: str, part: str) -> Path:
        """The file of a slice's responses, as the dataset is asked now."""
        chosen = self.config()["datasets"][dataset]
        variant = f"{chosen['protocol']}-{chosen['few_shot']}shot"
        folder = self.folder / "results/responses" / model / "balanced" / dataset / variant
        return folder / f"{part}.jsonl"

    def responses(self, model: str, dataset: str, part: str) -> list[Response]:
        """The responses of a slice."""
        path = self.responses_file(model, dataset, part)
        lines = path.read_text().splitlines()
        ResponsesHeader.model_validate_json(lines[0])
        return [Response.model_validate_json(line) for line in lines[1:]]

    def loads(self) -> list[str]:
        """Models loaded in the last run."""
        notes = (self.folder / "logs" / "run").glob("load-*.json")
        return sorted(json.loads(path.read_text())["model"] for path in notes)


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Paths that are new or were written again."""
    return {path for path, moment in after.items() if before.get(path) != moment}


def wait_until(condition: Any, seconds: float = 200) -> None:
    """Poll until something is true; the limit only ends what would wait for ever."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.02)
