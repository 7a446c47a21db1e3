# make demo     play a short real conversation on this machine (ONCE=1, SPEECH=my.wav, BREAK=gate|captions|mix)
# make check    format, lint, types, import contracts, fast tests: under two minutes
# make test     every promise once against real peers, in under fifteen minutes (APT=no: install no Debian packages)
# make test-all the whole suite (ARGS='tests/core -x': just what pytest makes of that)
# make bench    the benchmarks (ONLY=fanout: one group); writes docs/benchmarks.md;
#               AGAINST=COMMIT ONLY=fanout compares with another commit, in turns;
#               ATTACK_S=3600 ONLY=attack attacks the media worker for an hour instead of ten minutes
# make voice    speak the prompts of plain calls anew (spaces_bridge/prompts)
# make screenshots  take the pictures of the page anew (docs/images/page)
# make docs     write the documents in docs/ again that are made from the code
# make audit    hold the locks against public advisories, and write their bills of materials (build/sbom)
# make mutants  take each defence of docs/threats.md out once, and see its test fail
# make lock     resolve pyproject.toml into requirements/*.txt again
# make clean    remove what the others made

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo check test test-all test-rest bench voice screenshots docs audit mutants lock clean

BIN := .venv/bin
TEST_PACKAGES := chromium firefox-esr iproute2 postgresql redis-server webkit2gtk-driver xvfb
BENCH_PACKAGES := janus gcc libc6-dev
PICTURE_PACKAGES := chromium fonts-noto-color-emoji fonts-noto-core
VOICE_PACKAGES := espeak-ng

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
	$(BIN)/vulture
	tools/js/check
	$(BIN)/pytest -q -m 'unit and not slow' $(ARGS)

# What fails runs once more, alone, at the end: tests/suite
test: SET := promises
test-all: SET := all
# what neither check nor test ran, for .ci/run
test-rest: SET := rest
test test-all test-rest:
	@tools/apt $(TEST_PACKAGES)
	@tools/setup dev
	@tools/js/setup tests/livekit/js
	@tools/js/setup tests/clients/js
	@$(if $(filter promises,$(SET)),:,tools/livekit/setup)
	@exec $(BIN)/python -m $(if $(ARGS),pytest $(ARGS),tests.suite $(SET))

bench:
	@tools/apt $(BENCH_PACKAGES)
	@tools/setup dev
	@$(if $(filter-out calls,$(ONLY)),:,tools/livekit/setup)
	$(BIN)/python -m benchmarks$(if $(AGAINST),.against '$(AGAINST)') $(if $(ONLY),--only '$(ONLY)')

screenshots:
	@tools/apt $(PICTURE_PACKAGES)
	@tools/setup dev
	$(BIN)/python -m tests.screenshots docs/images/page

voice:
	@tools/apt $(VOICE_PACKAGES)
	@tools/setup dev
	$(BIN)/python -m tools.voice

docs:
	@tools/setup dev
	$(BIN)/python -m spaces_bridge.matrix.commands.docs > docs/commands.md
	$(BIN)/python -m spaces_bridge.matrix.cards.events_doc > docs/events.md
	$(BIN)/python -m spaces_bridge.web.http.metrics_doc > docs/metrics.md
	$(BIN)/python -m tools.feed_doc > docs/feed.md

audit:
	@tools/setup dev
	@tools/audit

mutants:
	@tools/setup dev
	$(BIN)/python -m tests.mutants $(ARGS)

lock:
	@tools/lock $(ARGS)

clean:
	rm -rf .venv .make build dist tools/js/node_modules tests/livekit/js/node_modules tests/clients/js/node_modules tools/js/page.d.ts .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
