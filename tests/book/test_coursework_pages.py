"""Pages of the grader in a real browser: legible on a phone and in the dark, no script runs."""

from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="the environment has no nbgrader: `make test` installs it")

from axe_playwright_python.sync_playwright import Axe  # noqa: E402

from coursework import pages, problems  # noqa: E402
from coursework.results import Assessment, Late, empty  # noqa: E402
from coursework.similarity import Pair  # noqa: E402

SAMPLE = Path(__file__).parents[1] / "coursework" / "problem_sets"
HOSTILE = "<img src=x onerror=document.title='run'><script>document.title='run'</script>"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYPj/"
    "HwADAgH/eK9ZkwAAAABJRU5ErkJggg=="
)
ROW = " & ".join(f"x_{{{n}}}" for n in range(60))
ANSWER = f"""
The derivation, with $\\sum_i x_i$ and a wide formula
$$\\begin{{pmatrix}} {ROW} \\end{{pmatrix}} \\kern 9999em x$$

| {" | ".join(f"column {n}" for n in range(20))} |
|{"---|" * 20}
| {" | ".join("12345.678" for n in range(20))} |

![page](page.png) [elsewhere](https://example.org) {"a" * 300} {HOSTILE}

<style>body {{ display: none }}</style><meta http-equiv="refresh" content="0; url=https://example.org">
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the pages of a class of two."""
    sample = problems.read(SAMPLE, "sample")
    marks = {"nbgrader": {"grade_id": "explain"}}
    wide = "x = [" + ", ".join(map(str, range(200))) + "]  # " + "y" * 300
    printed = {"output_type": "stream", "name": "stdout", "text": "z" * 400 + HOSTILE}
    cells = pages.rendered([
        {"cell_type": "code", "source": wide, "metadata": {"nbgrader": {"grade_id": "offset"}},
         "outputs": [printed]},
        {"cell_type": "code", "source": "", "metadata": {"nbgrader": {"grade_id": "offset-1"}}},
        {"cell_type": "markdown", "source": ANSWER, "metadata": marks,
         "attachments": {"page.png": {"image/png": PIXEL}}},
    ])  # fmt: skip
    result = empty(sample) | {"cells": cells, "remarks": [HOSTILE, "w" * 300]}
    result["messages"]["offset-1"] = f"`offset` raises {HOSTILE}"
    given = {"points": {"offset": 2.5}, "comments": {"": "All in all good.", "offset": HOSTILE}}
    late = Late(2, 0, 0.2, "2 days late, 0 free, 20% of the points lost")
    both = [
        Assessment(sample, student, result, given, late, submitter=student)
        for student in ("ada", HOSTILE.replace("/", "_"))
    ]
    pair = Pair(tuple(one.student for one in both), 0.9, 20, HOSTILE)
    folder = tmp_path_factory.mktemp("pages")
    code = {one.student: f"code{number}" for number, one in enumerate(both)}.get
    for name, page in {
        "feedback": pages.feedback(both[1]),
        "marking": pages.marking(sample, "explain", both, code),
        "summary": pages.summary(sample, both, [pair]),
        "similarity": pages.similarity(sample, [pair]),
    }.items():
        pages.write(folder / f"{name}.html", page)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("name", ["feedback", "marking", "summary", "similarity"])
def test_a_page_fits_is_legible_and_runs_nothing(browser, folder, name, width, scheme):
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    asked, refused = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: refused.append(message.text))
    page.goto((folder / f"{name}.html").as_uri())
    assert page.title() != "run" and page.locator("h1").is_visible()
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []
    # No script runs, even one that got onto the page.
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'run'";
        document.body.append(script);
    }""")
    assert page.title() != "run" and any("Content Security Policy" in said for said in refused)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    faults = [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]]
    assert faults == []
    context.close()
