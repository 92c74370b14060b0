# Everything happens in .venv, made here, so that nothing but Python is needed beforehand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
QUERY := blue-houndstooth-1.jpg

.PHONY: install demo test check format bench bench-full peers reliability clean

install: $(VENV)/.installed

# Again whenever the project's dependencies change.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"hueweave needs Python 3.11 or newer, this is {v.major}.{v.minor}: make PYTHON=python3.12 …")'
	@# A venv that was made without pip (Debian's python3-venv was missing) is made anew.
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# A catalog of rendered fabrics, an index, one picture asked for its color and for its texture.
demo: install
	test -f $(DEMO)/fabrics/labels.csv || $(BIN)/hueweave sample $(DEMO)/fabrics
	$(BIN)/hueweave build $(DEMO)/fabrics/labels.csv --index $(DEMO)/index
	$(BIN)/hueweave query $(DEMO)/fabrics/images/$(QUERY) --index $(DEMO)/index \
		--attribute color --attribute texture -k 10 --collage $(DEMO)/answer.png
	@echo
	@echo "serve it:  $(BIN)/hueweave serve --index $(DEMO)/index   then open http://127.0.0.1:8000"
	@echo "the answer as a picture:"
	@echo "$(CURDIR)/$(DEMO)/answer.png"

test: install
	$(BIN)/python -m pytest

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Below twenty minutes on two cores; prints each figure with its target, and fails if one is missed.
bench: peers
	$(BIN)/python -m benchmarks

# At a million items, too: hours.
bench-full: peers
	$(BIN)/python -m benchmarks --full

# What searches are compared with.
peers: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,peers]'

# What docs/reliability.md promises, in the long forms that its figures are from.
reliability: install
	$(BIN)/python -m benchmarks.faults.kill --kills 100
	$(BIN)/python -m benchmarks.faults.unsynced
	$(BIN)/python -m benchmarks.faults.full
	$(BIN)/python -m benchmarks.faults.flips
	$(BIN)/python -m benchmarks.decoding_fuzz --cases 20000
	$(BIN)/python -m benchmarks.api_fuzz
	$(BIN)/python -m benchmarks.soak

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
