"""Figures with sliders: drawn live if a kernel is running, shown from stored frames otherwise."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import math
from collections.abc import Callable, Iterable
from html import escape
from importlib.resources import files

import numpy as np

try:
    import IPython
    import matplotlib.pyplot as plt
    from IPython import get_ipython
    from IPython.display import display
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image, ImageFilter
except ImportError as error:
    raise ImportError(
        "lvmnotes.explore needs IPython, ipywidgets, matplotlib and Pillow: "
        "pip install ipywidgets matplotlib"
    ) from error

MAX_FRAMES = 40
#: Maximal size of the whole output in bytes: frames, text and script.
MAX_BYTES = 300_000
#: Width in pixels and number of colours of the frames: the first pair for which the output is
#: small enough is used.
QUALITIES = ((960, 64), (640, 32))
#: Milliseconds for which each frame is shown while the figure plays.
PACE = 300
#: A frame for a page that draws each itself: one transparent pixel. Its request comes behind a #.
NOTHING_NEW = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
VIEW = "application/vnd.jupyter.widget-view+json"


def explore(
    draw: Callable[..., Figure], /, *, alt: str | Callable[..., str], **values: Iterable
) -> None:
    """Display a figure with one or two sliders, and a button that plays the first of them.

    With a kernel, as in JupyterLab, a slider calls ``draw``. On a web page, and in a notebook
    whose kernel has stopped, the same slider chooses among frames that are drawn now. Where
    JavaScript is not allowed to run, the first frame is shown.

    Parameters
    ----------
    draw : callable
        ``draw(**choice)`` returns a Figure, where ``choice`` holds one value for each name in
        ``values``. All figures must have the same shape, and should have the same axis limits.
        On a phone, text of 12 points in a figure 5 inches wide is 11 pixels high.
    alt : str or callable
        Description of the figure for readers who cannot see it: a text, or a function of the same
        keywords as ``draw`` that returns a text.
    **values : iterable
        The values of one or two sliders, each under the name of ``draw``'s argument; at most 40
        figures in all.

    Raises
    ------
    TypeError
        If ``draw``, ``alt``, or what they return, or a sequence of values is of the wrong type.
    ValueError
        If there are too few or too many values, if a slider has the same value twice, or if the
        figures differ in shape or take more than 300 kB.
    ImportError
        If IPython, ipywidgets, matplotlib or Pillow is not installed.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> def wave(frequency):
    ...     figure, axes = plt.subplots()
    ...     t = np.linspace(0, 1, 200)
    ...     axes.plot(t, np.sin(2 * np.pi * frequency * t))
    ...     return figure
    >>> explore(wave, alt="A sine.", frequency=range(1, 5))  # doctest: +NORMALIZE_WHITESPACE
    A sine. Shown: frequency = 1. With JavaScript (in JupyterLab: in a trusted notebook), a slider
    takes frequency from 1 to 4.
    """
    sliders = {name: _slider_values(name, given) for name, given in values.items()}
    if len(sliders) not in (1, 2):
        raise ValueError(
            "explore takes one or two sequences of values, such as angle=range(0, 360, 15); "
            f"got {', '.join(sliders) or 'none'}"
        )
    count = math.prod(map(len, sliders.values()))
    if count > MAX_FRAMES:
        raise ValueError(
            f"{' x '.join(sliders)}: {count} figures; at most {MAX_FRAMES} are allowed"
        )
    if not callable(draw):
        raise TypeError(f"draw must be a function that returns a Figure; got {draw!r}")
    choices = [
        dict(zip(sliders, choice, strict=True)) for choice in itertools.product(*sliders.values())
    ]
    alts = [_alt(alt, choice) for choice in choices]
    if hasattr(IPython, "on_request"):  # the book's page, when the reader runs its code there
        display(_drawn_on_request(draw, sliders, choices, alts))
        return
    stored = _stored(draw, sliders, choices, alts)
    display(stored)
    if hasattr(get_ipython(), "kernel"):
        # The live view is an output of its own: where one output holds both, JupyterLab prefers
        # the view to the HTML, even when the kernel has stopped and the view only says "model not
        # found". explore.css shows one of the two.
        live = _live(draw, alt, sliders, _picture(stored["image/png"], alts[0]))
        display({VIEW: live._repr_mimebundle_()[VIEW]}, raw=True)


def _slider_values(name, values):
    """Return the values of a slider as a list: two or more, all different."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a sequence of values; got {values!r}")
    values = list(itertools.islice(values, MAX_FRAMES + 1))  # it may have no end
    if len(values) > MAX_FRAMES:
        raise ValueError(
            f"{name} has more than {MAX_FRAMES} values; at most {MAX_FRAMES} are allowed"
        )
    if len(values) < 2:
        raise ValueError(f"{name} must have two values or more; got {values}")
    labels = [_label(value) for value in values]
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(f"{name} must have different values; {label} is given twice")
    return values


def _label(value):
    """Return the text that the reader sees for a value."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def _describe(choice):
    """Return one value for each slider in words, as a screen reader says them."""
    return ", ".join(f"{name} = {_label(value)}" for name, value in choice.items())


def _alt(alt, choice):
    """Return the alternative text for one value of each slider."""
    text = alt(**choice) if callable(alt) else alt
    if not isinstance(text, str) or not text.strip():
        raise TypeError(
            "alt must be a text, or a function that returns one; "
            f"for {_describe(choice)} it is {text!r}"
        )
    return text


def _pixels(draw, choice, width):
    """Return the figure for one value of each slider as an array `width` pixels wide."""
    figure = draw(**choice)
    if not isinstance(figure, Figure):
        raise TypeError(
            f"draw must return a matplotlib Figure; for {_describe(choice)} it returned {figure!r}"
        )
    plt.close(figure)  # otherwise Jupyter displays it a second time
    figure.set_dpi(width / figure.get_figwidth())
    figure.set_facecolor("white")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def _frames(draw, choices, width, n_colours):
    """Return the figures for all values of the sliders as images that share one palette."""
    pixels = [_pixels(draw, choice, width) for choice in choices]
    for choice, frame in zip(choices, pixels, strict=True):
        if frame.shape != pixels[0].shape:
            raise ValueError(
                "draw must return figures of one shape; "
                f"that for {_describe(choice)} differs from that for {_describe(choices[0])}"
            )
    # The colour of a pixel as one number, red * 2^16 + green * 2^8 + blue.
    colour_numbers = np.stack([frame @ np.array([2**16, 2**8, 1], np.uint32) for frame in pixels])
    # The palette is chosen for a sample of the pixels that holds every colour, at most about 2^18
    # of each: for all the pixels, Pillow's 32-bit sums would overflow.
    present, repeats = np.unique(colour_numbers, return_counts=True)
    repeats = 1 + repeats.astype(np.int64) * 2**18 // colour_numbers.size
    sample = np.repeat(present, repeats)
    rgb = (sample[:, np.newaxis] >> [16, 8, 0] & 255).astype(np.uint8)
    reduced = Image.fromarray(rgb[np.newaxis]).quantize(n_colours, kmeans=1)
    palette_index = np.zeros(2**24, np.uint8)
    palette_index[sample] = np.asarray(reduced)[0]
    frames = [Image.fromarray(palette_index[frame]) for frame in colour_numbers]
    for frame in frames:
        frame.putpalette(reduced.getpalette())
    return frames


def _change(image, first):
    """Return an image that is transparent except where it differs from the first one."""
    changed = np.where(np.asarray(image) == np.asarray(first), 0, 255).astype(np.uint8)
    layer = image.convert("RGBA")
    # Keep 4 pixels around each change, too: when the browser shrinks the layer, its edges let some
    # of the first image through.
    layer.putalpha(Image.fromarray(changed).filter(ImageFilter.MaxFilter(9)))
    return layer


def _base64(image, kind):
    """Return an image as a lossless file in base64."""
    file = io.BytesIO()
    image.save(file, kind, optimize=True, lossless=True)
    return base64.b64encode(file.getvalue()).decode()


def _picture(png, alt):
    """Return an HTML image."""
    return f'<img src="data:image/png;base64,{png}" alt="{escape(alt)}">'


class _Output(dict):
    """A MIME bundle, which prints as its text where it cannot be displayed."""

    def __repr__(self):
        return self["text/plain"]

    def _repr_mimebundle_(self, include=None, exclude=None):
        return dict(self)


def _stored(draw, sliders, choices, alts):
    """Return the output that needs no kernel: all frames as HTML, the first one, and a text."""
    for quality in QUALITIES:
        images = _frames(draw, choices, *quality)
        unique = {image.tobytes(): image for image in images}
        order = list(unique)
        frames = [
            f"data:image/webp;base64,{_base64(_change(image, images[0]), 'webp')}"
            for image in unique.values()
        ]
        shown = [order.index(image.tobytes()) for image in images]
        output = _output(_base64(images[0], "png"), frames, shown, sliders, choices, alts)
        size = len(output["text/html"].encode())
        if size <= MAX_BYTES:
            return output
    raise ValueError(
        f"{' x '.join(sliders)}: {len(images)} figures take {size // 1000} kB; at most "
        f"{MAX_BYTES // 1000} kB are allowed: give fewer values, or draw fewer marks"
    )


def _drawn_on_request(draw, sliders, choices, alts):
    """Return the output for a page that runs Python: a frame is drawn when the page asks for it."""
    request = IPython.on_request(lambda number: _png(draw, choices[number]))
    numbers = range(len(choices))
    frames = [f"{NOTHING_NEW}#{request}-{number}" for number in numbers]
    return _output(_png(draw, choices[0]), frames, list(numbers), sliders, choices, alts)


def _png(draw, choice):
    """Return the figure for one value of each slider as a PNG file in base64."""
    return _base64(Image.fromarray(_pixels(draw, choice, QUALITIES[0][0])), "png")


def _output(png, frames, shown, sliders, choices, alts):
    """Return HTML with the sliders, its first picture, and a text, as one output.

    Each of the choices shows the frame with the number in `shown`, on top of the first picture.
    """
    ranges = " and ".join(
        f"{name} from {_label(values[0])} to {_label(values[-1])}"
        for name, values in sliders.items()
    )
    sentence = (
        f"Shown: {_describe(choices[0])}. With JavaScript (in JupyterLab: in a trusted notebook), "
        f"{'a slider takes' if len(sliders) == 1 else 'sliders take'} {ranges}."
    )
    style, script = (
        files("lvmnotes.notebook").joinpath("static", name).read_text(encoding="utf-8")
        for name in ("explore.css", "explore.js")
    )
    data = {
        "sliders": [
            {"name": name, "labels": [_label(value) for value in values]}
            for name, values in sliders.items()
        ],
        "frames": frames,
        "shown": shown,
        "alts": alts,
        "pace": PACE,
    }
    embedded = json.dumps(data).replace("<", "\\u003c")  # no "</script>" in it
    html = (
        f'<style>\n{style}</style>\n<figure class="lvm-explore">\n<p>{escape(sentence)}</p>\n'
        f"{_picture(png, alts[0])}\n"
        f'<script type="application/json">{embedded}</script>\n'
        f"</figure>\n<script>\n{script}</script>"
    )
    return _Output({"text/html": html, "image/png": png, "text/plain": f"{alts[0]} {sentence}"})


def _live(draw, alt, sliders, start):
    """Return the widget whose sliders call ``draw``, with the same controls as explore.js."""
    import ipywidgets  # only where there is a kernel

    controls = {
        name: ipywidgets.SelectionSlider(
            options=[_label(value) for value in values],
            description=name,
            layout=ipywidgets.Layout(flex="1 1 15rem", width="auto"),
        )
        for name, values in sliders.items()
    }
    picture = ipywidgets.HTML(start)
    first = next(iter(controls.values()))
    play = ipywidgets.ToggleButton(description=f"Play {first.description}", icon="play")
    running = None

    def show(_):
        choice = {name: sliders[name][control.index] for name, control in controls.items()}
        try:
            picture.value = _picture(_png(draw, choice), _alt(alt, choice))
        except Exception as error:  # no cell would show it
            picture.value = f"<pre>{escape(f'{type(error).__name__}: {error}')}</pre>"

    async def run():
        last = len(first.options) - 1
        first.index = (first.index + 1) % (last + 1)
        while first.index < last:
            await asyncio.sleep(PACE / 1000)
            first.index += 1
        play.value = False

    def toggle(change):
        nonlocal running
        play.icon = "pause" if change.new else "play"
        if change.new:
            running = asyncio.ensure_future(run())
        else:
            running.cancel()

    play.observe(toggle, "value")
    for control in controls.values():
        control.observe(show, "index")
    bar = ipywidgets.HBox(
        [play, *controls.values()], layout=ipywidgets.Layout(flex_flow="row wrap")
    )
    live = ipywidgets.VBox([bar, picture])
    live.add_class("lvm-live")
    return live
