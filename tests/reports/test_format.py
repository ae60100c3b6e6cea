"""Text as it is shown: what would hide, or cover what stands around it."""

from __future__ import annotations

from evaluation.reports import format as fmt


def test_marks_piled_on_a_letter_are_counted() -> None:
    assert fmt.visible("e" + "\u0336" * 60 + " next") == "e" + "\u0336" * 4 + "⟨56 more marks⟩ next"
    assert fmt.visible("e" + "\u0301" * 5) == "e" + "\u0301" * 4 + "⟨1 more mark⟩"


def test_accents_of_languages_stay() -> None:
    vietnamese = "Tie\u0302\u0301ng Vie\u0302\u0323t"
    assert fmt.visible(vietnamese) == vietnamese
    assert fmt.visible("e\u0301" * 40) == "e\u0301" * 40


def test_what_is_shown_is_not_changed_again() -> None:
    once = fmt.visible("e" + "\u0336" * 9 + "\x00\u202e")
    assert fmt.visible(once) == once
