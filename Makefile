# SPDX-License-Identifier: Apache-2.0
# The front door; Meson does the work.  `make help` lists what there is.

BUILD	?= build
PREFIX	?= /usr/local
TIME	?= 60

.PHONY: all help deps run demo-attest test interop bench lint check-all fuzz \
	install symbols clean

all: $(BUILD)/.ready
	@ninja -C $(BUILD)

help:
	@echo 'make                build everything'
	@echo 'make run            build the program, then a tour of what Caisson does'
	@echo 'make demo-attest    flip a bit in a live process and see it found'
	@echo 'make test           run the tests; the last line counts them'
	@echo 'make interop        share a Redis with CacheKit'\''s Python SDK, from PyPI'
	@echo 'make bench          measure, into $(BUILD)/bench (ONLY=kv: a part)'
	@echo 'make lint           check the rules that grep can check'
	@echo 'make check-all      sanitizers, valgrind, clang, fuzz corpora, lint,'
	@echo '                    Debian 13, aarch64 and musl where they can be had'
	@echo 'make fuzz           fuzz each parser for TIME=$(TIME) seconds (ONLY=name: one)'
	@echo 'make install        into PREFIX=$(PREFIX) below DESTDIR'
	@echo 'make symbols        rewrite the list of exported symbols'
	@echo 'make deps           install what is missing, build OpenSSL if too old'
	@echo 'make clean          remove $(BUILD)'

deps:
	@tools/deps

# Always looked at: the private OpenSSL may have gone or been renewed.
.PHONY: $(BUILD)/.ready
$(BUILD)/.ready:
	@tools/configure $(BUILD)

# No more than the tour needs: a third of everything.
run: $(BUILD)/.ready
	@ninja -C $(BUILD) cli/caisson
	@$(BUILD)/cli/caisson tour

demo-attest: all
	@tools/demo-attest $(BUILD)

test:
	@tools/configure --tests $(BUILD)
	@tools/run-tests $(BUILD)

interop: all
	@tools/interop $(BUILD)

bench: all
	@tools/run-bench $(BUILD) $(ONLY)

lint:
	@tools/lint
	@tools/lint-docs

check-all:
	@tools/check-all $(BUILD)

fuzz:
	@tools/run-fuzz $(BUILD)/fuzzing $(TIME) $(ONLY)

install: $(BUILD)/.ready
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@ninja -C $(BUILD)
	@meson install -C $(BUILD) --no-rebuild

symbols: all
	@nm -D --defined-only $(BUILD)/src/libcaisson.so | \
	    awk '$$2 != "A" { sub(/@.*/, "", $$NF); print $$NF }' | \
	    LC_ALL=C sort >tests/abi/symbols.txt
	@echo "tests/abi/symbols.txt: $$(wc -l <tests/abi/symbols.txt) symbols"

clean:
	rm -rf $(BUILD)
