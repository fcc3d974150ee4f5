"""What runs where the submission runs: its cells in IPython, its answers sent out as data.

The grader starts this file in the confined process, where the rest of this package cannot be seen.
Once a cell of the submission has run, nothing here can be trusted to be as it was, and nothing is:
the grader believes no more than that the bytes it gets are an answer of this submission.
"""

import base64
import contextlib
import io
import json
import os
import re
import signal
import socket
import sys

import numpy as np


def encode(value):
    """Return an answer, or an argument, as JSON can write it."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [encode(item) for item in value]
    if type(value) is tuple:
        return {"tuple": [encode(item) for item in value]}
    if type(value) is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if not hasattr(value, "__array__"):
        raise TypeError(f"an answer is made of numbers, strings and arrays, not {type(value)}")
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        return encode(array.tolist())
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"array": [array.dtype.str, array.shape, data]}


def decode(data):
    """Return what `encode` was given; ValueError or TypeError for what it cannot have made."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    ((kind, content),) = data.items()
    if kind == "tuple":
        return tuple(decode(item) for item in content)
    if kind == "dict":
        return {decode(key): decode(item) for key, item in content}
    dtype, shape, data = content
    if kind != "array" or not re.fullmatch(r"[<>|][biufc]\d{1,2}", dtype):
        raise ValueError("not an answer")
    array = np.frombuffer(base64.b64decode(data, validate=True), dtype).reshape(shape).copy()
    return array if array.ndim else array[()]


def limit(memory, file, processes):
    """Take from this process, for good, the right to more than its share."""
    import resource

    for what, most in [
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_CORE, 0),
    ]:
        if most is not None:
            with contextlib.suppress(ValueError, OSError):  # macOS has no limit of the memory
                resource.setrlimit(what, (most, most))


def too_late(number, frame):
    """Stop what runs; called by the alarm."""
    raise TimeoutError("out of time")


def run(shell, source):
    """Run a cell; IPython prints what goes wrong in it, and its plots are kept."""
    shown = shell.display_pub.pictures = []
    result = shell.run_cell(source, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    reply = {"error": describe(error)} if error else {}
    plots = []
    for picture in shown[:8]:
        with contextlib.suppress(Exception):  # a plot that cannot be shown is no fault of the cell
            plots.append(pixels(shell, *picture)["pixels"])
    return reply | {"plots": plots}


def pixels(shell, data, side):
    """Return a picture, given in base64, as width, height and colours; no longer than `side`."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(Image.open(io.BytesIO(base64.b64decode(data))))
    image.thumbnail((side, side))
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(white, image).convert("RGB")
    return {"pixels": [*image.size, base64.b64encode(image.tobytes()).decode()]}


def ask(shell, name, arguments):
    """Return the value of a name, called with the arguments if it is a function."""
    if name not in shell.user_ns:
        return {"error": ["NameError", "missing"]}
    value = shell.user_ns[name]
    return {"value": encode(value(*decode(arguments)) if callable(value) else value)}


def describe(error):
    """Return the type of an error and what it says."""
    return [type(error).__name__, str(error)[:500]]


def main(line, limits):
    """Answer the grader's requests, one line of JSON each, until it hangs up."""
    limit(**limits)
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.pylabtools import print_figure
    from traitlets.config import Config

    import lvmnotes  # noqa: F401  takes a second or two, which are nobody's fault

    class Publisher(DisplayPublisher):
        """Prints what a cell displays, and keeps its pictures."""

        def publish(self, data, *_, **__):
            for kind in ("image/png", "image/jpeg"):
                if isinstance(data.get(kind), (str, bytes)):
                    self.pictures.append((data[kind], 800))
                    return
            print(data.get("text/plain", ""))

    InteractiveShell.display_pub_class = Publisher
    InteractiveShell.enable_gui = lambda self, gui=None: None  # asked for by %matplotlib
    InteractiveShell.ask_exit = lambda self: sys.exit()  # exit() ends its cell, no more
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config, colors="nocolor")
    png = shell.display_formatter.formatters["image/png"]
    png.for_type_by_name("matplotlib.figure", "Figure", lambda figure: print_figure(figure, "png"))
    line = socket.socket(fileno=line)
    signal.signal(signal.SIGALRM, too_late)
    steps = {"run": run, "ask": ask, "pixels": pixels}
    line.sendall(b"{}\n")  # ready
    for request in line.makefile("r", encoding="utf-8"):
        step, arguments, seconds = json.loads(request)
        try:
            # Again every second, should the submission catch the first alarm.
            signal.setitimer(signal.ITIMER_REAL, seconds, 1)
            reply = json.dumps(steps[step](shell, *arguments))
        except BaseException as error:
            reply = json.dumps({"error": describe(error)})
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.flush()
        sys.stderr.flush()
        line.sendall(reply.encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
    os._exit(0)
