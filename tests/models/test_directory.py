"""What is said about a directory of weights without loading it."""

from __future__ import annotations

import json
import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import EvaluationError
from evaluation.models.directory import count_parameters, describe
from evaluation.records import ModelManifest
from tests.models.weights import PARAMETERS, sha256, write_model, write_weights


def described(directory: Path, **more: Any) -> ModelManifest:
    return describe("tiny", "path", str(directory), "local", directory, hash_files=True, **more)


def error_of(directory: Path) -> EvaluationError:
    with pytest.raises(EvaluationError) as caught:
        described(directory)
    assert caught.value.where == f"model tiny: {directory}"
    return caught.value


# ---- the manifest --------------------------------------------------------------------------


def test_manifest(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "tiny")
    found = described(directory)
    assert found.model == "tiny"
    assert (found.source, found.id, found.revision) == ("path", str(directory), "local")
    assert found.directory == str(directory)
    assert found.licence == "apache-2.0"
    assert found.architecture == "LlamaForCausalLM"
    assert found.parameters == PARAMETERS
    assert found.context_length == 512
    assert found.chat_template is True
    assert {file.name: (file.size, file.sha256) for file in found.files} == {
        path.name: (path.stat().st_size, sha256(path.read_bytes())) for path in directory.iterdir()
    }


def test_files_of_a_commit_are_not_hashed(tmp_path: Path) -> None:
    directory = write_model(tmp_path)
    found = describe("tiny", "hub", "org/tiny", "c" * 40, directory, hash_files=False)
    assert {file.sha256 for file in found.files} == {None}
    assert {file.name for file in found.files} >= {"config.json", "model.safetensors"}


def test_weights_in_several_files(tmp_path: Path) -> None:
    directory = write_model(tmp_path)
    (directory / "model.safetensors").unlink()
    parts = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    write_weights(directory / parts[0], {"a": (2, 3)})
    write_weights(directory / parts[1], {"b": (4,)})
    index = directory / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": parts[0], "b": parts[1]}}))
    assert described(directory).parameters == 10
    (directory / parts[1]).unlink()
    error = error_of(directory)
    assert f"not complete: {parts[1]} is missing" in error.what
    assert "fetch or copy the model again" in error.remedy


def test_left_over_index_beside_a_single_file(tmp_path: Path) -> None:
    """transformers loads the single file then."""
    directory = write_model(tmp_path)
    index = {"weight_map": {"a": "model-00001-of-00009.safetensors"}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    assert described(directory).parameters == PARAMETERS


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": 3}'])
def test_index_that_is_none(tmp_path: Path, text: str) -> None:
    directory = write_model(tmp_path)
    (directory / "model.safetensors").rename(directory / "model-00001-of-00001.safetensors")
    (directory / "model.safetensors.index.json").write_text(text)
    error = error_of(directory)
    assert "model.safetensors.index.json is no index of weights" in error.what
    assert "fetch the model again" in error.remedy


@pytest.mark.parametrize("other", ["consolidated.safetensors", "checkpoint/model.safetensors"])
def test_second_copies_are_not_counted(tmp_path: Path, other: str) -> None:
    directory = write_model(tmp_path)
    write_weights(directory / other)
    assert described(directory).parameters == PARAMETERS


@pytest.mark.parametrize(
    ("config", "length"),
    [
        ({"max_position_embeddings": 4096}, 4096),
        ({"max_position_embeddings": None, "n_positions": 1024}, 1024),
        ({"max_position_embeddings": None}, 2048),
        ({"text_config": {"max_position_embeddings": 131072}}, 131072),
        ({"text_config": None}, 512),
    ],
)
def test_context_length(tmp_path: Path, config: dict[str, Any], length: int) -> None:
    assert described(write_model(tmp_path, **config)).context_length == length


def test_architecture_without_a_class_is_the_model_type(tmp_path: Path) -> None:
    assert described(write_model(tmp_path, architectures=None)).architecture == "llama"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"tokenizer_config.json": '{"chat_template": "x"}'}, True),
        ({"tokenizer_config.json": "{}", "chat_template.jinja": "x"}, True),
        ({"tokenizer_config.json": "{}"}, False),
        ({"tokenizer_config.json": '{"chat_template": null}'}, False),
        ({"tokenizer_config.json": "no JSON"}, False),
        ({"tokenizer_config.json": "[]"}, False),
    ],
)
def test_chat_template(tmp_path: Path, files: dict[str, str], expected: bool) -> None:
    directory = write_model(tmp_path)
    for name, text in files.items():
        (directory / name).write_text(text)
    assert described(directory).chat_template is expected


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\n---\n", "mit"),
        ('---\nlicense: "cc-by-4.0"\n---\n', "cc-by-4.0"),
        ("---\nlicense: other\nlicense_name: qwen-research\n---\n", "qwen-research"),
        ("---\nlicense:\n- mit\n- apache-2.0\n---\n", "mit, apache-2.0"),
        ("---\r\nlicense: mit\r\n---\r\n", "mit"),
        ("---\nlanguage: en\n---\nlicense: mit\n", "not stated"),
        ("license: mit\n", "not stated"),
        ("---\n[license\n---\n", "not stated"),
        ("---\nlicense:\n---\n", "not stated"),
        ("---\n- license\n---\n", "not stated"),
        ("---\nlicense: m\udcfft\n---\n", "not stated"),
        (None, "not stated"),
    ],
)
def test_licence(tmp_path: Path, card: str | None, licence: str) -> None:
    directory = write_model(tmp_path)
    (directory / "README.md").unlink()
    if card is not None:
        (directory / "README.md").write_bytes(card.encode("utf-8", "surrogateescape"))
    assert described(directory).licence == licence


# ---- the fingerprint -----------------------------------------------------------------------


def test_fingerprint_is_of_the_contents_not_of_the_place(tmp_path: Path) -> None:
    one, two = write_model(tmp_path / "one"), write_model(tmp_path / "two")
    assert described(one).fingerprint == described(two).fingerprint
    (two / "tokenizer.json").write_text("[]")  # the same size
    assert described(one).fingerprint != described(two).fingerprint


def test_fingerprint_of_a_repository_is_of_its_commit(tmp_path: Path) -> None:
    directory = write_model(tmp_path)

    def of(name: str, commit: str) -> str:
        return describe("x", "hub", name, commit, directory, hash_files=False).fingerprint

    assert len({of("org/a", "1" * 40), of("org/a", "2" * 40), of("org/b", "1" * 40)}) == 3


def test_what_others_put_into_the_cache_changes_nothing(tmp_path: Path) -> None:
    directory = write_model(tmp_path)
    before = described(directory, patterns=("*.json", "*.safetensors"))
    (directory / "pytorch_model.bin").write_bytes(b"x")
    after = described(directory, patterns=("*.json", "*.safetensors"))
    assert before == after
    assert "pytorch_model.bin" not in {file.name for file in after.files}


# ---- directories that will not do ----------------------------------------------------------


def test_no_config(tmp_path: Path) -> None:
    (write_model(tmp_path) / "config.json").unlink()
    error = error_of(tmp_path)
    assert error.what == "The model has no config.json."
    assert "save_pretrained()" in error.remedy


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_config_that_is_none(tmp_path: Path, text: str) -> None:
    (write_model(tmp_path) / "config.json").write_text(text)
    error = error_of(tmp_path)
    assert "config.json is not valid JSON: " in error.what
    assert "fetch the model again" in error.remedy


@pytest.mark.parametrize(
    ("instead", "pickled"),
    [
        ("", False),
        ("pytorch_model.bin", True),
        ("consolidated.00.pth", True),
        ("adapter_model.safetensors", False),
    ],
)
def test_no_safetensors(tmp_path: Path, instead: str, pickled: bool) -> None:
    (write_model(tmp_path) / "model.safetensors").unlink()
    if instead:
        (tmp_path / instead).write_bytes(b"x")
    error = error_of(tmp_path)
    assert "no weights in safetensors format" in error.what
    assert ("pickled ones, which are never loaded" in error.what) is pickled
    assert "*.safetensors" in error.remedy
    assert "save_pretrained()" in error.remedy


def test_no_tokenizer(tmp_path: Path) -> None:
    for path in list(write_model(tmp_path).glob("tokenizer*")):
        path.unlink()
    error = error_of(tmp_path)
    assert error.what == "The model has no tokenizer files."
    assert "tokenizer.json and tokenizer_config.json" in error.remedy


def header(value: Any) -> bytes:
    text = json.dumps(value).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        b"<!DOCTYPE html><html></html>",
        b"\xff" * 20,
        struct.pack("<Q", 10) + b"{",
        header([]),
        header({"a": 3}),
        header({"a": {"shape": [1]}}),
        header({"a": {"shape": None, "data_offsets": [0, 0]}}),
        header({"a": {"shape": [1], "data_offsets": []}}),
    ],
)
def test_file_that_is_no_safetensors(tmp_path: Path, data: bytes) -> None:
    (write_model(tmp_path) / "model.safetensors").write_bytes(data)
    error = error_of(tmp_path)
    assert "model.safetensors is cut off or is no safetensors file: " in error.what
    assert "fetch the file again" in error.remedy


SHAPES = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5).filter(
        lambda name: name != "__metadata__"
    ),
    st.lists(st.integers(0, 4), max_size=3).map(tuple),
    min_size=1,
    max_size=4,
)


@given(shapes=SHAPES, data=st.data())
@settings(max_examples=60, deadline=None)
def test_parameters_are_counted_and_every_cut_is_noticed(
    shapes: dict[str, tuple[int, ...]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_weights(Path(folder) / "model.safetensors", shapes)
        expected = 0
        for shape in shapes.values():
            size = 1
            for side in shape:
                size *= side
            expected += size
        assert count_parameters(path, "model tiny") == expected
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises(EvaluationError, match=r"cut off or is no safetensors") as caught:
            count_parameters(path, "model tiny")
        assert caught.value.where == "model tiny"
        path.write_bytes(whole + b"0")
        with pytest.raises(EvaluationError, match=r"cut off or is no safetensors"):
            count_parameters(path, "model tiny")
