"""Every line of code can be read, and every control shows when the keyboard is on it."""

import pytest
from built import SITE

CHAPTERS = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/chapters/*.html"))
CUT = """() => [...document.querySelectorAll(".bd-article .highlight pre")]
    .filter(it => it.scrollWidth > it.clientWidth).map(it => it.textContent)"""
UNMARKED = """() => {
    const controls = "a[href], button, input, select, summary, [tabindex='0']";
    const found = [];
    for (const control of document.querySelectorAll(controls)) {
        if (!control.checkVisibility({ visibilityProperty: true })) continue;
        const look = () => {
            const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(control);
            return outlineStyle === "none" ? boxShadow : outlineStyle + outlineWidth;
        };
        document.activeElement.blur();
        const before = look();
        control.focus({ focusVisible: true });
        if (document.activeElement === control && look() === before) found.push(control.outerHTML);
    }
    return found;
}"""


@pytest.fixture(scope="module")
def site(serve):
    """Return the address of the built site."""
    return serve(SITE)


@pytest.mark.parametrize("page", CHAPTERS)
def test_code_is_not_cut_and_controls_show_the_focus(browser, site, page):
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(120_000)
    tab.goto(f"{site}/{page}")
    tab.wait_for_load_state("networkidle")  # alone it can come before the page is complete
    tab.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    assert tab.evaluate(CUT) == []
    tab.keyboard.press("Tab")
    assert tab.evaluate(UNMARKED) == []
    tab.close()
