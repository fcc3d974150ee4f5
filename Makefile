# `make book` and `make test` are all there is to know; `make help` lists the rest.
# Keeps to GNU make 3.81, which is what macOS has.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; \
	do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
PORT ?= 8000
VERSIONS ?= python3.11 python3.12 python3.13
OLDEST ?= python3.11
NEWEST ?= $(PYTHON)

VENV := .venv/ready
PY := .venv/bin/python
SITE := _build/ready
DRAFT := _build/draft/ready
# All files of a folder, at any depth; make's own wildcards do not go down.
files = $(shell find $(1) -name __pycache__ -prune -o -type f -print)
LIBRARY := $(call files,lvmnotes)
# What every chapter may use; its own figures are in the module of plots that has its name.
SHARED := $(filter-out lvmnotes/plots/%,$(LIBRARY)) \
	$(filter lvmnotes/plots/__init__.py lvmnotes/plots/common.py,$(LIBRARY))
CHAPTERS := $(wildcard book/chapters/*.md)
NOTEBOOKS := $(CHAPTERS:.md=.ipynb)
COURSE := .venv/coursework
PEERS := .venv/bench
RELEASE := coursework/release/ready
SETS := $(wildcard coursework/*.py coursework/problems/*.md coursework/mistakes/*.py)
PAGES := _config.yml _toc.yml $(filter-out book/claims.md book/chapters/% book/library/%,$(call files,book))

.PHONY: help book live pdf zip draft watch quick test test-all versions notebooks lab serve coursework grade \
	check public bench growth mutants controls seeds pins vendor clean

help:
	@echo "to read"
	@echo "  make book       build the site: environment, execution of the chapters, pages"
	@echo "  make live       what runs the chapters' code in the page (part of make book; not with LIVE=0)"
	@echo "  make serve      show the site on http://localhost:$(PORT)"
	@echo "  make pdf        the book as one PDF, printed by Chromium"
	@echo "  make zip        site, notebooks, library and PDF to read without a network"
	@echo "  make lab        JupyterLab on lab/, your own copy of the chapters"
	@echo "to change"
	@echo "  make watch      a draft of the site on http://localhost:$(PORT), new at every save"
	@echo "  make draft      the same draft, once: warnings do not stop it"
	@echo "  make notebooks  execute the chapters that changed"
	@echo "  make quick      lint, types, tests of the library: a minute"
	@echo "  make test       everything that must hold (builds the book first)"
	@echo "  make test-all   make versions, the slow tests, and make test in a fresh clone for"
	@echo "                  each of $(VERSIONS)"
	@echo "  make versions   tests of the library with the lowest and the newest dependencies"
	@echo "  make bench      the library against its peers"
	@echo "  make growth     time and memory against the size of the data: ten minutes"
	@echo "  make mutants    who notices when the library is broken: up to two hours"
	@echo "  make controls   which break or control shows that each check of a chapter can fail"
	@echo "  make seeds      whether the chapters' checks hold for other seeds"
	@echo "  make pins       resolve requirements*.txt anew"
	@echo "  make vendor     bundle the libraries of others for the pages, with npm"
	@echo "to teach"
	@echo "  make coursework problem sets for students in coursework/release/, proved"
	@echo "  make check      the visible tests of a notebook: SET=ppca [NOTEBOOK=path]"
	@echo "  make grade      grade coursework/submitted/<student>/<set>/ [SET=ppca]"
	@echo "  make public     this tree without the answers, in _build/public"
	@echo "and"
	@echo "  make clean      remove all that make made, except lab/"

book: $(VENV)
	@$(MAKE) --silent --no-print-directory -j$(JOBS) $(SITE)
	@echo "The site: file://$(CURDIR)/_build/html/index.html"

live: $(VENV)
	@$(PY) book/build.py live

draft: $(VENV)
	@$(MAKE) --silent --no-print-directory -j$(JOBS) $(DRAFT) ERRORS=--draft

pdf: book
	@$(PY) book/offline.py pdf

zip: pdf
	@$(PY) book/offline.py zip

watch: draft
	@$(PY) book/build.py watch --port $(PORT)

notebooks: $(VENV)
	@$(MAKE) --silent --no-print-directory -j$(JOBS) $(NOTEBOOKS)

quick: $(VENV)
	$(PY) -m pytest -n $(JOBS) tests/book/test_style.py tests/library

test: book coursework
	$(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

lab: notebooks
	$(PY) book/build.py lab
	$(PY) -m jupyterlab lab

serve: book
	$(PY) -m http.server --directory _build/html $(PORT)

coursework: $(COURSE)
	@$(MAKE) --silent --no-print-directory $(RELEASE)
	@echo "The problem sets: $(CURDIR)/coursework/release/"

grade: $(COURSE)
	@$(PY) -m coursework grade --jobs $(JOBS) $(if $(UNCONFINED),--unconfined) $(SET)

check: $(VENV)
	@$(PY) -m lvmnotes.coursework $(or $(NOTEBOOK),coursework/release/$(SET)/$(SET).ipynb)

public: $(COURSE)
	@$(PY) -m coursework public

bench: $(PEERS)
	$(PY) -m benchmarks

growth: $(VENV)
	$(PY) -m benchmarks.growth

mutants: $(VENV)
	$(PY) -m audit mutants --jobs $(JOBS)

controls: $(VENV)
	$(PY) -m audit controls --jobs $(JOBS)

seeds: $(VENV)
	$(PY) -m audit seeds --jobs $(JOBS)

test-all: test versions
	$(PY) -m pytest -n $(JOBS) -m slow --slow
	@for python in $(VERSIONS); do \
		$$python -c '' 2>/dev/null || { echo "$$python: not installed, skipped"; continue; }; \
		clone=$$(mktemp -d) && git clone --quiet . $$clone && \
		$(MAKE) --no-print-directory -C $$clone test PYTHON=$$python && rm -rf $$clone || exit 1; \
	done

# From a copy, because pip builds in the tree; the tests run on what it installed, and on the list of
# what is public.
versions:
	@set -e; folder=$$(mktemp -d); cp -R lvmnotes tests pyproject.toml README.md LICENSE $$folder; \
	mkdir $$folder/book; cp book/library.yml $$folder/book; \
	for which in "$(OLDEST) -c requirements-lowest.txt" "$(NEWEST)"; do \
		set -- $$which; python=$$1; shift; \
		$$python -m venv --clear $$folder/venv; \
		$$folder/venv/bin/pip install --quiet --disable-pip-version-check "$$@" \
			$$folder pytest hypothesis pytest-xdist; \
		$$folder/venv/bin/pip freeze --disable-pip-version-check | \
			grep -E '^(numpy|scipy|scikit-learn|matplotlib|ipywidgets)='; \
		(cd $$folder && venv/bin/pytest -n $(JOBS) tests/library); \
	done; rm -rf $$folder

# The oldest Python's answer also installs on the newer ones; the reverse does not hold.
pins:
	@venv=$$(mktemp -d) && python3.11 -m venv $$venv && \
	$$venv/bin/pip install --quiet --upgrade setuptools wheel -e '.[book,test]' && \
	{ echo "# What the book is built and tested with: the full closure of .[book,test], by 'make pins'."; \
	  $$venv/bin/pip freeze --all --exclude pip --exclude-editable; } > requirements.txt && \
	for extra in bench coursework; do \
		$$venv/bin/pip install --quiet -c requirements.txt -e ".[$$extra]" && \
		{ echo "# What .[$$extra] needs beyond requirements.txt, by 'make pins'."; \
		  $$venv/bin/pip freeze --all --exclude pip --exclude-editable | \
		  grep -vxFf requirements.txt; } > requirements-$$extra.txt && \
		$$venv/bin/pip uninstall --quiet --yes -r requirements-$$extra.txt || exit 1; \
	done && rm -rf $$venv

vendor:
	cd vendor && npm ci --no-audit --no-fund && npm run build

clean:
	rm -rf .venv _build vendor/node_modules coursework/release book/claims.md book/library \
		book/chapters/*.ipynb lvmnotes.egg-info

$(VENV): requirements.txt pyproject.toml
	@python="$(PYTHON)"; \
	$${python:-false} -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed: https://www.python.org/downloads/"; exit 1; }; \
	$$python -c 'import ensurepip' 2>/dev/null || \
		{ echo "$$python cannot make environments: apt install python3-venv"; exit 1; }; \
	echo "making the environment in .venv with $$python"; \
	$$python -m venv --clear .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.venv/%: requirements-%.txt $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(RELEASE): $(SETS) $(LIBRARY) requirements.txt requirements-coursework.txt
	@$(PY) -m coursework release --jobs $(JOBS)
	@mkdir -p $(@D) && touch $@

# Order only on the environment: a new one matters by its pins, which are named here.  A chapter
# whose text alone is newer ($?) keeps the outputs of its code, if that is the same.
.SECONDEXPANSION:
book/chapters/%.ipynb: book/chapters/%.md $$(filter lvmnotes/plots/$$(subst -,_,$$*).py,$(LIBRARY)) \
		$(SHARED) requirements.txt book/build.py | $(VENV)
	@$(PY) book/build.py $(if $(filter-out $<,$?),execute,update) $< $(ERRORS)

book/claims.md: book/claims.yml $(NOTEBOOKS) $(wildcard audit/*.json audit/*.yml) \
		$(wildcard book/claims_*.py book/audit_tables.py book/check_words.py)
	@$(PY) book/build.py claims

$(SITE): book/claims.md $(NOTEBOOKS) $(PAGES) $(LIBRARY) requirements.txt requirements-live.txt
	@$(PY) book/build.py site $?

$(DRAFT): book/claims.md $(NOTEBOOKS) $(PAGES) $(LIBRARY) requirements.txt
	@$(PY) book/build.py draft $?
