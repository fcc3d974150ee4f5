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
import signal
import socket
import sys

from lvmnotes.coursework.answers import fetch
from lvmnotes.coursework.shell import make_shell, run_cell


def limit(memory, file, processes):
    """Take from this process, for good, the right to more than its share."""
    import resource

    os.nice(5)  # the grader, which watches, comes first
    for what, most in [
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_NOFILE, 256),  # a socket can hold a quarter of a megabyte
        (resource.RLIMIT_CORE, 0),
    ]:
        if most is not None:
            with contextlib.suppress(ValueError, OSError):  # macOS has no limit of the memory
                resource.setrlimit(what, (most, most))


def too_late(number, frame):
    """Stop what runs; called by the alarm."""
    raise TimeoutError("out of time")


def run(shell, source, calls):
    """Run a cell; IPython prints what goes wrong in it, and its plots are kept."""
    shown = shell.display_pub.pictures = []
    error = run_cell(shell, source, calls)
    reply = {"error": describe(error)} if error else {}
    plots = []
    for picture in shown[:8]:
        with contextlib.suppress(Exception):  # a plot that cannot be shown is no fault of the cell
            plots.append(pixels(shell, *picture)["pixels"])
    return reply | {"plots": plots}


def pixels(shell, data, side):
    """Return a picture, given in base64, as width, height and colours; no longer than `side`."""
    from PIL import Image, ImageOps

    with contextlib.suppress(ImportError):  # photographs of telephones
        import pi_heif

        pi_heif.register_heif_opener()
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(base64.b64decode(data))))
    image.thumbnail((side, side))
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(white, image).convert("RGB")
    return {"pixels": [*image.size, base64.b64encode(image.tobytes()).decode()]}


def ask(shell, *question):
    """Return an answer; see `lvmnotes.coursework.answers.fetch`."""
    return {"value": fetch(shell.user_ns, *question)}


def describe(error):
    """Return the type of an error and what it says."""
    return [type(error).__name__, str(error)[:500]]


def main(line, limits):
    """Answer the grader's requests, one line of JSON each, until it hangs up."""
    limit(**limits)
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.pylabtools import print_figure

    class Publisher(DisplayPublisher):
        """Prints what a cell displays, and keeps its pictures."""

        def publish(self, data, *_, **__):
            for kind in ("image/png", "image/jpeg"):
                if isinstance(data.get(kind), (str, bytes)):
                    self.pictures.append((data[kind], 800))
                    return
            print(data.get("text/plain", ""))

    shell = make_shell(display_pub_class=Publisher)
    for name in [name for name in sys.modules if name.startswith("lvmnotes.coursework")]:
        del sys.modules[name]  # a submission that imports it gets, and can change, a copy
    png = shell.display_formatter.formatters["image/png"]
    png.for_type_by_name("matplotlib.figure", "Figure", lambda figure: print_figure(figure, "png"))
    line = socket.socket(fileno=line)
    signal.signal(signal.SIGPROF, too_late)
    steps = {"run": run, "ask": ask, "pixels": pixels}
    line.sendall(b"{}\n")  # ready
    for request in line.makefile("r", encoding="utf-8"):
        step, arguments, seconds = json.loads(request)
        try:
            # Processor time; again every second, should the submission catch the first alarm.
            signal.setitimer(signal.ITIMER_PROF, seconds, 1)
            reply = json.dumps(steps[step](shell, *arguments))
        except BaseException as error:
            reply = json.dumps({"error": describe(error)})
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.flush()
        sys.stderr.flush()
        line.sendall(reply.encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
    os._exit(0)
