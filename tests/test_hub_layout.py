"""Which files belong to a split, and their rows."""

from __future__ import annotations

import errno
import json
import tempfile
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import EvaluationError
from evaluation.hub_layout import read_json_lines, read_parquet, read_split, split_files

ROWS: list[dict[str, object]] = [
    {"question": "Was ist 2 + 2?\u2028", "answer": 4, "choices": ["4", "5"], "meta": {"ok": True}},
    {"question": "", "answer": None, "choices": [], "meta": {"ok": None}},
]


def parquet(path: Path, rows: list[dict[str, object]] = ROWS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def write(path: Path, data: bytes = b"{}\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def card(directory: Path, *configs: object, front: dict[str, object] | None = None) -> None:
    text = yaml.safe_dump({**(front or {"license": "mit"}), "configs": list(configs)})
    write(directory / "README.md", f"---\n{text}---\n\n# Card\n".encode())


def config(name: str, **paths: object) -> dict[str, object]:
    return {
        "config_name": name,
        "data_files": [{"split": split, "path": path} for split, path in paths.items()],
    }


def names(directory: Path, config: str | None, split: str) -> list[str]:
    return [p.relative_to(directory).as_posix() for p in split_files(directory, config, split)]


# ---- which files ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "config_name"),
    [
        ("main/test-00000-of-00001.parquet", "main"),
        ("data/test-00000-of-00001.parquet", "main"),
        ("data/test-00000-of-00001.parquet", None),
        ("test-00000-of-00001.parquet", None),
        ("test.jsonl", None),
    ],
)
def test_usual_names_without_a_card(tmp_path: Path, file: str, config_name: str | None) -> None:
    write(tmp_path / file)
    write(tmp_path / file.replace("test", "train"))
    assert names(tmp_path, config_name, "test") == [file]
    assert names(tmp_path, config_name, "validation") == []


def test_the_card_comes_before_the_usual_names(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl")
    write(tmp_path / "odd/rows-1.jsonl")
    card(tmp_path, config("default", test="odd/rows-*"))
    assert names(tmp_path, None, "test") == ["odd/rows-1.jsonl"]


def test_the_card_tells_configs_and_splits_apart(tmp_path: Path) -> None:
    for file in ("a/test.jsonl", "a/dev.jsonl", "b/test.jsonl"):
        write(tmp_path / file)
    card(
        tmp_path,
        config("a", test="a/test.jsonl", dev="a/dev.jsonl"),
        config("b", test="b/test.jsonl"),
    )
    assert names(tmp_path, "a", "test") == ["a/test.jsonl"]
    assert names(tmp_path, "a", "dev") == ["a/dev.jsonl"]
    assert names(tmp_path, "b", "test") == ["b/test.jsonl"]
    assert names(tmp_path, "b", "dev") == []
    assert names(tmp_path, None, "test") == []


def test_all_files_that_a_card_names_for_a_split(tmp_path: Path) -> None:
    for file in ("1.jsonl", "2.jsonl", "3.jsonl"):
        write(tmp_path / file, json.dumps({"file": file}).encode())
    several: list[object] = [{"split": "test", "path": ["2.jsonl", "1.jsonl"]}]
    several.append({"split": "test", "path": "3.jsonl"})
    card(tmp_path, {"config_name": "default", "data_files": several})
    assert [r["file"] for r in read_split(tmp_path, None, "test")] == [
        "1.jsonl",
        "2.jsonl",
        "3.jsonl",
    ]


def test_splits_of_the_card_that_were_not_downloaded_do_no_harm(tmp_path: Path) -> None:
    parquet(tmp_path / "main/test-00000-of-00001.parquet")
    card(tmp_path, config("main", train="main/train-*", test="main/test-*"))
    assert read_split(tmp_path, "main", "test") == ROWS
    with pytest.raises(EvaluationError, match="no files of split 'train' of config 'main'"):
        read_split(tmp_path, "main", "train")


def test_an_outdated_card_leaves_the_usual_names(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl")
    card(tmp_path, config("default", test="old/*.parquet"))
    assert names(tmp_path, None, "test") == ["test.jsonl"]


def test_a_lone_file_without_a_split_in_its_name_is_train(tmp_path: Path) -> None:
    """As in google/IFEval, whose card names no files."""
    write(tmp_path / "ifeval_input_data.jsonl")
    card(tmp_path)
    assert names(tmp_path, None, "train") == ["ifeval_input_data.jsonl"]
    assert names(tmp_path, None, "test") == []
    assert names(tmp_path, "main", "train") == []


@pytest.mark.parametrize("files", [["test.jsonl"], ["my_dev-set.parquet"], ["a.jsonl", "b.jsonl"]])
def test_no_guess_where_it_could_be_wrong(tmp_path: Path, files: list[str]) -> None:
    for file in files:
        write(tmp_path / file)
    assert names(tmp_path, None, "train") == []


@pytest.mark.parametrize(
    "pattern", ["../outside.jsonl", "sub/../../outside.jsonl", "/{}", "", "**x"]
)
def test_a_card_cannot_name_files_outside(tmp_path: Path, pattern: str) -> None:
    outside = write(tmp_path / "outside.jsonl")
    write(tmp_path / "inside/test.jsonl")
    write(tmp_path / "inside/sub/x")
    card(tmp_path / "inside", config("default", test=pattern.format(outside)))
    assert names(tmp_path / "inside", None, "test") == ["test.jsonl"]


ODD_FRONT = [
    b"",
    b"no front matter",
    b"---\nconfigs: [\n---\n",
    b"---\n- a list\n---\n",
    b"---\nconfigs:\n---\n",
    b"---\nconfigs: {config_name: default}\n---\n",
    b"---\nconfigs: [default, {config_name: default, data_files: test.jsonl}]\n---\n",
    b"---\nconfigs: [{config_name: default, data_files: [{split: test, path: 3}]}]\n---\n",
    b"---\nday: 2023-13-45\n---\n",
    b"---\nname: \xff\xfe\n---\n",
]


@pytest.mark.parametrize("data", ODD_FRONT)
def test_a_card_that_says_nothing_leaves_the_usual_names(tmp_path: Path, data: bytes) -> None:
    write(tmp_path / "README.md", data)
    write(tmp_path / "test.jsonl")
    assert names(tmp_path, None, "test") == ["test.jsonl"]


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_cards_of_other_editors(tmp_path: Path, mark: bytes, newline: bytes) -> None:
    card(tmp_path, config("default", test="odd.jsonl"))
    text = (tmp_path / "README.md").read_bytes()
    (tmp_path / "README.md").write_bytes(mark + text.replace(b"\n", newline))
    write(tmp_path / "odd.jsonl")
    assert names(tmp_path, None, "test") == ["odd.jsonl"]


SCALARS = st.none() | st.booleans() | st.integers() | st.dates() | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS | st.sampled_from(["default", "test", "odd.jsonl", "*", "../*"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["config_name", "data_files", "split", "path", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(configs=ANYTHING)
@settings(max_examples=60, deadline=None)
def test_whatever_a_card_says_names_files_inside(configs: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "inside"
        write(directory / "odd.jsonl")
        write(Path(folder) / "outside.jsonl")
        text = yaml.safe_dump({"configs": configs})
        write(directory / "README.md", f"---\n{text}---\n".encode())
        found = names(directory, None, "test")
        assert set(found) <= {"odd.jsonl", "README.md"}


# ---- incomplete directories ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        (["data/test-00000-of-00002.parquet"], "test-00001-of-00002.parquet is missing"),
        (["data/test-00001-of-00002.parquet"], "test-00000-of-00002.parquet is missing"),
        (["data/test-00004-of-00005.parquet"], "and 1 more are missing"),
    ],
)
def test_missing_parts_of_a_split_are_not_overlooked(
    tmp_path: Path, there: list[str], missing: str
) -> None:
    for file in there:
        parquet(tmp_path / file)
    with pytest.raises(EvaluationError) as caught:
        read_split(tmp_path, None, "test")
    assert "Split 'test' is not complete" in caught.value.what
    assert missing in caught.value.what
    assert caught.value.where == str(tmp_path / "data")
    assert "fetch the dataset again" in caught.value.remedy


def test_all_parts_of_a_split_in_order(tmp_path: Path) -> None:
    for part in (1, 0):
        parquet(tmp_path / f"data/test-0000{part}-of-00002.parquet", [{"part": part}])
    assert read_split(tmp_path, None, "test") == [{"part": 0}, {"part": 1}]


def test_split_without_files(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError) as caught:
        read_split(tmp_path, None, "test")
    assert caught.value.what == "There are no files of split 'test'."
    assert caught.value.where == str(tmp_path)
    assert "Hub's layout" in caught.value.remedy


# ---- Parquet -------------------------------------------------------------------------------


def test_parquet_rows_are_plain_values(tmp_path: Path) -> None:
    assert read_parquet(parquet(tmp_path / "rows.parquet")) == ROWS


def test_parquet_is_read_anew_when_it_changed(tmp_path: Path) -> None:
    path = parquet(tmp_path / "rows.parquet", [{"a": 1}])
    assert read_parquet(path) == [{"a": 1}]
    parquet(path, [{"a": 2}])
    assert read_parquet(path) == [{"a": 2}]


def test_no_cache_is_left_or_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` could return an older copy of the same name from its cache."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    read_parquet(parquet(tmp_path / "rows.parquet"))
    assert not (tmp_path / "cache").exists()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_full_disk_is_not_taken_for_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **settings: object) -> None:
        cause = OSError(errno.ENOSPC, "No space left on device")
        raise datasets.exceptions.DatasetGenerationError("while generating") from cause

    monkeypatch.setattr(datasets, "load_dataset", full)
    with pytest.raises(OSError, match="No space left on device"):
        read_parquet(parquet(tmp_path / "rows.parquet"))


def test_parquet_without_rows(tmp_path: Path) -> None:
    schema = pyarrow.schema([("question", pyarrow.string())])
    path = tmp_path / "data" / "test-00000-of-00001.parquet"
    path.parent.mkdir()
    pyarrow.parquet.write_table(schema.empty_table(), path)
    assert read_split(tmp_path, None, "test") == []


@pytest.mark.parametrize("damage", ["empty", "cut", "no parquet", "bad footer", "bad page"])
def test_damaged_parquet_is_named(tmp_path: Path, damage: str) -> None:
    path = parquet(tmp_path / "rows.parquet", ROWS * 50)
    data = path.read_bytes()
    footer = int.from_bytes(data[-8:-4], "little")
    path.write_bytes(
        {
            "empty": b"",
            "cut": data[: len(data) // 2],
            "no parquet": b"version https://git-lfs.github.com/spec/v1\n",
            "bad footer": data[: -8 - footer] + b"\xff" * footer + data[-8:],
            "bad page": data[:4] + bytes(60) + data[64:],
        }[damage]
    )
    with pytest.raises(EvaluationError) as caught:
        read_parquet(path)
    assert "A Parquet file cannot be read: " in caught.value.what
    assert caught.value.where == str(path)
    assert "fetch the file again" in caught.value.remedy


# ---- JSON lines ----------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    rows=st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=5),
    ascii_only=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n", "\n\n"]),
)
@settings(max_examples=100, deadline=None)
def test_json_lines_come_back_unchanged(
    rows: list[dict[str, object]], ascii_only: bool, newline: str
) -> None:
    """Rows may have different keys and types; none is added, none converted."""
    text = newline.join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(text.encode())
        found = read_json_lines(path)
    assert found == rows
    assert [list(row) for row in found] == [list(row) for row in rows]
    assert repr(found) == repr(rows)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"a": 1', "A line is not JSON"),
        (b"{'a': 1}", "A line is not JSON"),
        (b'{"a": "\xff"}', "A line is not JSON"),
        (b'{"a": "\xed\xa0\x80"}', "A line is not JSON"),
        (b"[" * 100_000, "A line is not JSON"),
        (b'["a"]', "A line is not a JSON object"),
        (b"null", "A line is not a JSON object"),
        (b"version https://git-lfs.github.com/spec/v1", "A line is not JSON"),
    ],
)
def test_damaged_json_line_is_named(tmp_path: Path, line: bytes, what: str) -> None:
    path = write(tmp_path / "rows.jsonl", b'{"good": 1}\n\n' + line + b"\n")
    with pytest.raises(EvaluationError) as caught:
        read_json_lines(path)
    assert what in caught.value.what
    assert caught.value.where == f"{path}, line 3"
    assert "fetch the file again" in caught.value.remedy


def test_byte_order_mark(tmp_path: Path) -> None:
    assert read_json_lines(write(tmp_path / "rows.jsonl", b'\xef\xbb\xbf{"a": 1}')) == [{"a": 1}]
