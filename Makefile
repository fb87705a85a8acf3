# Every target makes the machine ready by itself; `make` alone prints this list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo run test test-full check screens clean
BIN := .venv/bin

# Tests and pictures need no display; QT_QPA_PLATFORM=xcb shows them on one.
test test-full screens: export QT_QPA_PLATFORM ?= offscreen

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: ## one whole reception with a simulated card, patient and gateway (ARGS="..." is handed on)
	@tools/setup demo
	@$(BIN)/kiosk demo $(ARGS)

run: ## the kiosk with the devices that config.toml names (ARGS="...")
	@tools/setup demo
	@$(BIN)/kiosk run $(ARGS)

test: ## the tests, and full branch coverage of what must not be wrong
	@tools/setup test
	@tools/test -m "not long" $(ARGS)

test-full: ## the tests, the long ones too
	@EXTRA="samba smbclient smbnetfs" tools/setup test
	@tools/test $(ARGS)

check: ## style, types, and who may import whom
	@tools/setup test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

screens: ## a picture of every page in every language
	@tools/setup demo
	@$(BIN)/kiosk screens $(ARGS)

clean: ## remove what was built; .venv stays
	rm -rf build
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
