"""`import lvmnotes` is quick, and needs neither Jupyter nor matplotlib until they are used."""

import subprocess
import sys
from statistics import median

import pytest

#: Runs before the code of each test: makes packages look as if they were not installed.
BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("IPython", "ipywidgets", "matplotlib"):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Blocked())
"""


def run(code):
    """Run code in a fresh interpreter, and return what it prints."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_nothing_of_jupyter_or_matplotlib_is_imported():
    names = run("import sys, lvmnotes; print(*{name.partition('.')[0] for name in sys.modules})")
    assert not {"IPython", "ipywidgets", "matplotlib"} & set(names.split())
    assert "sklearn" in names.split()


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("import lvmnotes; print(lvmnotes.PPCA(1).fit([[1, 2, 3], [2, 1, 0]]).n_iter_)", "1"),
        ("from lvmnotes import data; print(data.digits().X.shape)", "(1797, 64)"),
        ("import lvmnotes; print(lvmnotes.data.lsat.__name__)", "lsat"),
        ("import lvmnotes; print({*lvmnotes.__all__, 'data'} <= set(dir(lvmnotes)))", "True"),
        ("import lvmnotes; print(hasattr(lvmnotes, 'no_such_name'))", "False"),
    ],
)
def test_models_and_data_work_without_jupyter_and_matplotlib(code, printed):
    assert run(BLOCK + code) == printed


def test_what_needs_jupyter_says_so():
    code = "import lvmnotes\ntry:\n lvmnotes.explore\nexcept ImportError as error:\n print(error)"
    assert "explore needs IPython, ipywidgets" in run(BLOCK + code)


def test_import_takes_little_longer_than_scikit_learns():
    """By the CPU time of fresh interpreters, which a busy machine stretches but little."""

    def seconds(module):
        return float(run(f"import time, {module}; print(time.process_time())"))

    # In turn, because how much it stretches them changes.
    ratios = [seconds("lvmnotes") / seconds("sklearn.decomposition") for _ in range(5)]
    assert median(ratios) < 1.5
