import json
from pathlib import Path

import pytest

from train.bases.licence import classify, front_matter, licence_of_card, licence_of_folder


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("apache-2.0", "permissive"),
        ("MIT", "permissive"),
        ("cc-by-4.0", "permissive"),
        ("cc-by-nc-4.0", "restricted"),
        ("cc-by-sa-4.0", "restricted"),
        ("llama3.1", "restricted"),
        ("gemma", "restricted"),
        ("qwen-research", "restricted"),
        ("gpl-3.0", "restricted"),
        ("bigscience-bloom-rail-1.0", "restricted"),
        ("our-own", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_licence_is_sorted_by_its_name(name: str, terms: str) -> None:
    found = classify(name, source="model card")
    assert found.terms == terms
    assert bool(found.note) == (terms != "permissive")


def test_other_is_looked_up_by_the_publishers_name() -> None:
    found = licence_of_card({"license": "other", "license_name": "tongyi-qianwen"})
    assert found is not None
    assert (found.name, found.terms) == ("tongyi-qianwen", "restricted")


def test_a_card_without_a_licence_has_none() -> None:
    assert licence_of_card({"language": "en"}) is None


def test_a_card_may_list_its_licence() -> None:
    assert front_matter("---\nlicense:\n- mit\ntags:\n- x\n---\n")["license"] == "mit"
    assert front_matter("no card") == {}


def test_the_readme_comes_before_the_licence_file(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("MIT License\nPermission is hereby granted, free of charge")
    assert licence_of_folder(tmp_path).source == "LICENSE"
    (tmp_path / "README.md").write_text("---\nlicense: llama3\n---\n")
    found = licence_of_folder(tmp_path)
    assert (found.name, found.source) == ("llama3", "README.md")


def test_a_config_may_name_the_licence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"license": "bsd-3-clause"}))
    assert licence_of_folder(tmp_path).terms == "permissive"


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Apache License\n   Version 2.0, January 2004", "permissive"),
        ("META LLAMA 3 COMMUNITY LICENSE AGREEMENT", "restricted"),
        ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", "restricted"),
        ("Gemma Terms of Use", "restricted"),
        ("Creative Commons Attribution-NonCommercial 4.0", "restricted"),
        ("GNU GENERAL PUBLIC LICENSE", "restricted"),
        ("All rights reserved.", "unknown"),
    ],
)
def test_a_licence_file_is_known_by_its_words(tmp_path: Path, text: str, terms: str) -> None:
    (tmp_path / "LICENSE").write_text(text)
    assert licence_of_folder(tmp_path).terms == terms


def test_a_folder_without_any_is_unknown(tmp_path: Path) -> None:
    found = licence_of_folder(tmp_path)
    assert (found.name, found.terms) == ("", "unknown")
    assert "read it yourself" in found.note
