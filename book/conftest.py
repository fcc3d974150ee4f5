"""Execute every notebook again, in a fresh kernel, against the outputs that the site shows."""


def pytest_configure(config):
    """Do what `--nbval --nbval-current-env` does, but only where the notebooks are tested."""
    config.option.nbval = config.option.nbval_current_env = True
