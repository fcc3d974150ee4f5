"""Questions between the sections of a chapter, with answers that the chapter's code computes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

import numpy as np

from ..core.validation import check_real

#: Each byte of a key is combined with this one, so that a glance at the page does not give it away.
VEIL = 0x5A


class _Question(str):
    """The output of `question`: Markdown, which a page's script turns into a form."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return str(self)


def question(
    text: str,
    choices: Mapping[str, tuple[bool, str]] | None = None,
    *,
    answer: float | None = None,
    because: str | None = None,
    mistakes: Mapping[float, str] | None = None,
    rtol: float = 0.02,
) -> _Question:
    """Ask the reader a question: to choose an answer, or to type a number.

    On the book's page the reader answers, and is told what is right or wrong with the answer.
    Elsewhere the question shows its answer as a folded text.

    Parameters
    ----------
    text : str
        The question, in Markdown, as all other texts.
    choices : mapping of str to (bool, str)
        Each choice, whether it is right, and why. Exactly one must be right. Compute what is right,
        so that it stays right. The choices are shown in an order of their own, so that the place
        of the right one says nothing.
    answer : float
        The number to type, in place of `choices`; computed.
    because : str
        How to find the number.
    mistakes : mapping of float to str, optional
        Wrong numbers, computed like the right one, and what leads to them.
    rtol : float, default 0.02
        A typed number is right within this share of the answer.

    Returns
    -------
    object
        An output that shows the question, to be the last expression of a cell.

    Raises
    ------
    TypeError
        If an argument is not of the kind stated above, or if neither or both of `choices` and
        `answer` are given.
    ValueError
        If not exactly one choice is right, if a choice is alone, if a number is not finite, or if
        a mistake is as good as the answer.

    Examples
    --------
    >>> from lvmnotes import question
    >>> shown = question("Is 7 a prime number?", {
    ...     "yes": (all(7 % k for k in range(2, 7)), "No smaller number divides it."),
    ...     "no": (any(7 % k == 0 for k in range(2, 7)), "Which number divides it?"),
    ... })
    >>> "**Right.** No smaller number divides it." in shown
    True
    """
    _check_text(text, "text")
    if (choices is None) == (answer is None):
        raise TypeError("question takes either choices or an answer")
    if choices is not None:
        if because is not None or mistakes is not None:
            raise TypeError("because and mistakes belong to an answer that is a number")
        key, offered, answers = _choices(choices, text)
    else:
        key, answers = _number(answer, because, mistakes, rtol)
        offered = []
    veiled = base64.b64encode(bytes(byte ^ VEIL for byte in json.dumps(key).encode())).decode()
    return _Question(
        "\n\n".join(
            [
                f'<div class="lvm-question" data-key="{veiled}">',
                "**Check yourself.** " + " ".join(text.split()),
                *([_list(offered)] if offered else []),
                '<details class="lvm-answers"><summary>Answer</summary>',
                _list(answers),
                "</details></div>",
            ]
        )
    )


def _choices(choices, text):
    """Return the number of the right choice, the choices in order, and what to say to each."""
    if not isinstance(choices, Mapping):
        raise TypeError(f"choices must be a mapping; got {choices!r:.80}")
    if len(choices) < 2:
        raise ValueError(f"choices must be two or more; got {len(choices)}")
    right = []
    answers = []
    for choice, given in choices.items():
        _check_text(choice, "a choice")
        if not (isinstance(given, tuple) and len(given) == 2):
            raise TypeError(f"choices[{choice!r}] must be a pair (bool, str); got {given!r:.80}")
        is_right, feedback = given
        if not isinstance(is_right, bool | np.bool_):
            raise TypeError(f"choices[{choice!r}] must say True or False; got {is_right!r:.80}")
        _check_text(feedback, f"the feedback of choices[{choice!r}]")
        right.append(bool(is_right))
        answers.append(f"{'**Right.**' if is_right else '**Not so.**'} {feedback}")
    if sum(right) != 1:
        raise ValueError(f"choices must have exactly one that is right; {sum(right)} are")
    names = list(choices)
    shuffled = sorted(
        range(len(names)), key=lambda i: hashlib.sha256((text + names[i]).encode()).digest()
    )
    return (
        shuffled.index(right.index(True)),
        [names[i] for i in shuffled],
        [answers[i] for i in shuffled],
    )


def _number(answer, because, mistakes, rtol):
    """Return the key of a question for a number, and what to say to the answer and to mistakes."""
    answer = check_real(answer, "answer")
    rtol = check_real(rtol, "rtol", minimum=0)
    _check_text(because, "because")
    answers = [f"**Right: {answer:.3g}.** {because}"]
    values = []
    for value, feedback in (mistakes or {}).items():
        value = check_real(value, "a mistake")
        _check_text(feedback, f"the feedback of the mistake {value:g}")
        if any(abs(value - other) <= 2 * rtol * abs(other) for other in [answer, *values]):
            raise ValueError(
                f"the mistake {value:g} is as good as another number or the answer {answer:g}"
            )
        values.append(value)
        answers.append(f"**Not {value:.3g}.** {feedback}")
    # Six digits, so that round-off does not change the key from machine to machine.
    short = [float(f"{value:.6g}") for value in (answer, *values)]
    return {"answer": short[0], "rtol": rtol, "mistakes": short[1:]}, answers


def _check_text(text, name):
    if not isinstance(text, str) or not text.strip():
        raise TypeError(f"{name} must be a text; got {text!r:.80}")


def _list(items):
    """Return a numbered list in Markdown."""
    return "\n".join(f"{i}. " + " ".join(item.split()) for i, item in enumerate(items, start=1))
