# make demo     play a short real conversation on this machine (ONCE=1, SPEECH=my.wav, BREAK=gate|captions|mix)
# make check    format, lint, types, import contracts, fast tests: under two minutes
# make test     the whole suite against real peers, in two halves side by side (APT=no: install no Debian packages)
# make bench    the benchmarks (ONLY=fanout: one group); writes docs/benchmarks.md
# make screenshots  take the pictures of the page anew (docs/images/page)
# make docs     write docs/commands.md and docs/feed.md again, from the tables they are made of
# make audit    hold the locks against public advisories, and write their bills of materials (build/sbom)
# make mutants  take each defence of docs/threats.md out once, and see its test fail
# make lock     resolve pyproject.toml into requirements/*.txt again
# make clean    remove what the others made

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo check test bench screenshots docs audit mutants lock clean

BIN := .venv/bin
TEST_PACKAGES := chromium firefox-esr iproute2 postgresql webkit2gtk-driver xvfb
BENCH_PACKAGES := janus gcc libc6-dev
PICTURE_PACKAGES := chromium fonts-noto-color-emoji fonts-noto-core

ONCE ?=
SPEECH ?=
BREAK ?=
ONLY ?=
# What pytest gets besides, such as ARGS='tests/core -x'
ARGS ?=

help:
	@sed -n 's/^# make/make/p' Makefile

demo:
	@tools/setup demo
	@exec $(BIN)/spaces-bridge demo $(if $(filter-out 0 no,$(ONCE)),--once) $(if $(SPEECH),--speech '$(SPEECH)') $(if $(BREAK),--break '$(BREAK)')

check:
	@tools/setup dev
	@tools/js/setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	tools/js/check
	$(BIN)/pytest -q -m 'unit and not slow' $(ARGS)

test:
	@tools/apt $(TEST_PACKAGES)
	@tools/setup dev
	@tools/test $(ARGS)

bench:
	@tools/apt $(BENCH_PACKAGES)
	@tools/setup dev
	$(BIN)/python -m benchmarks $(if $(ONLY),--only '$(ONLY)')

screenshots:
	@tools/apt $(PICTURE_PACKAGES)
	@tools/setup dev
	$(BIN)/python -m tests.screenshots docs/images/page

docs:
	@tools/setup dev
	$(BIN)/python -m spaces_bridge.matrix.talk.commands_doc > docs/commands.md
	$(BIN)/python -m tools.feed_doc > docs/feed.md

audit:
	@tools/audit

mutants:
	@tools/setup dev
	$(BIN)/python -m tests.mutants $(ARGS)

lock:
	@tools/lock $(ARGS)

clean:
	rm -rf .venv .make build dist tools/js/node_modules tools/js/page.d.ts .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
