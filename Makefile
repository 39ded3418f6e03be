# awsq: run a job from many regions, on EC2 instances that are awake only while they work.
# `make help` lists the targets. Everything that is built goes below $(BUILD).

VERSION  := 0.1.0
SONAME   := libawsq.so.0

BUILD    ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= cc
AR       ?= ar
OPT      ?= -O2 -g
SANITIZE ?=
# Warnings are errors where they are ours to mend: make lint builds so, with gcc and with clang.
WERROR   ?=
V        ?=
VENV     := build/venv
PYTHON   := $(VENV)/bin/python

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all everything demo check unit integration lint asan bench torture cloud install uninstall clean help
all:

# ---- Settings of this machine: package flags, found once (and installed first, for the targets
# that promise to do so on a fresh machine).

# `make V=1` shows the commands, otherwise only what is made.
Q        := $(if $(V),,@)

GOALS    := $(or $(MAKECMDGOALS),all)
SETS_UP  := $(filter demo check unit integration lint asan bench torture cloud,$(GOALS))
ifneq ($(filter-out clean help uninstall,$(GOALS)),)
include $(BUILD)/config.mk
endif

$(BUILD)/config.mk: tools/dev/setup tools/dev/packages.txt
	@mkdir -p $(@D)
	@tools/dev/setup $(if $(SETS_UP),--install) $@

$(VENV)/ready: tests/requirements.txt
	@echo "python: setting up $(VENV) from $<"
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# ---- Compiling

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion \
            -Wvla $(WERROR)
CPPFLAGS += -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -DAWSQ_VERSION='"$(VERSION)"' \
            -Iinclude -Ilibawsq
CFLAGS   += -std=c17 $(OPT) $(WARNINGS) -pthread -fstack-protector-strong $(SANITIZE)
LDFLAGS  += -pthread -Wl,-z,relro,-z,now $(SANITIZE)

LIB_SRC    := $(wildcard libawsq/*.c)
SHARED_SRC := $(wildcard tools/cli/*.c tools/runs/*.c tools/fleet/*.c tools/ssh/*.c)
TOOL_SRC   := $(wildcard tools/*.c)
UNIT_SRC   := $(wildcard tests/unit/test_*.c)
HELPER_SRC := $(wildcard tests/unit/drive_*.c)
SOURCES    := $(LIB_SRC) $(SHARED_SRC) $(TOOL_SRC) $(UNIT_SRC) $(HELPER_SRC) tests/bench/measure.c

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
TOOLS   := $(patsubst tools/%.c,$(BUILD)/%,$(TOOL_SRC))
UNITS   := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
HELPERS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(HELPER_SRC))

STATIC_LIB := $(BUILD)/libawsq.a
SHARED_LIB := $(BUILD)/libawsq.so.$(VERSION)
TOOLS_LIB  := $(BUILD)/libtools.a

all: $(STATIC_LIB) $(SHARED_LIB) $(BUILD)/awsq.pc $(TOOLS)

everything: all $(UNITS) $(HELPERS) $(BUILD)/measure

# The compiler's own list of what each object includes is what make rebuilds by.
$(BUILD)/obj/%.o: %.c $(BUILD)/config.mk
	@mkdir -p $(@D)
	@echo '  CC    $<'
	$(Q)$(CC) $(CPPFLAGS) $(INCLUDES) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(patsubst %.o,%.d,$(call objects,$(SOURCES)))

$(BUILD)/obj/libawsq/%.o: CFLAGS += -fPIC -fvisibility=hidden
$(BUILD)/obj/libawsq/%.o: INCLUDES = $(LIB_CFLAGS)
$(BUILD)/obj/tools/%.o $(BUILD)/obj/tests/%.o: CPPFLAGS += -Itools
$(BUILD)/obj/tools/%.o $(BUILD)/obj/tests/%.o: INCLUDES = $(LIB_CFLAGS) $(TOOLS_CFLAGS) $(TEST_CFLAGS)

$(STATIC_LIB): $(call objects,$(LIB_SRC))
$(TOOLS_LIB): $(call objects,$(SHARED_SRC))
$(STATIC_LIB) $(TOOLS_LIB):
	@rm -f $@
	@echo '  AR    $@'
	$(Q)$(AR) rcs $@ $^

$(SHARED_LIB): $(call objects,$(LIB_SRC))
	@echo '  LD    $@'
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--no-undefined $(LDFLAGS) -o $@ $^ $(LIB_LIBS)
	@ln -sf $(@F) $(BUILD)/$(SONAME)
	@ln -sf $(SONAME) $(BUILD)/libawsq.so

$(BUILD)/awsq.pc: libawsq/awsq.pc.in Makefile
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

$(TOOLS): $(BUILD)/%: $(BUILD)/obj/tools/%.o $(TOOLS_LIB) $(STATIC_LIB)
	@echo '  LD    $@'
	$(Q)$(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(TOOLS_LIBS) $(LIB_LIBS)

$(UNITS) $(HELPERS): $(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(TOOLS_LIB) $(STATIC_LIB)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(TOOLS_LIBS) $(LIB_LIBS) $(TEST_LIBS)

$(BUILD)/measure: $(BUILD)/obj/tests/bench/measure.o
	@echo '  LD    $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

# ---- Testing

check: unit integration

unit: $(UNITS)
	@tools/dev/run-units $(UNITS)

# Most tests wait as long as they work, so that there are more at a time than processors.
PYTEST    = AWSQ_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -n 7 --dist worksteal

integration: all $(HELPERS) $(VENV)/ready
	$(PYTEST) -m 'not long' tests/cloud tests/integration

# The same tests with the address and undefined behaviour sanitizers built in.
asan:
	$(MAKE) BUILD=build/asan OPT='-O1 -g' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' check

$(BUILD)/lint-ready: tools/dev/packages-lint.txt
	@tools/dev/setup --packages $<
	@touch $@

lint: all $(BUILD)/lint-ready
	@tools/dev/lint $(BUILD)

bench: all $(BUILD)/measure $(VENV)/ready
	@AWSQ_BUILD=$(abspath $(BUILD)) $(PYTHON) tests/bench

# 200 runs with faults, see the file for what it takes from the environment; and the tests that are
# marked as long, of which check has a shorter form.
torture: all $(HELPERS) $(VENV)/ready
	@AWSQ_BUILD=$(abspath $(BUILD)) $(PYTHON) tests/integration/test_faulted_runs.py
	$(if $(AWSQ_ONLY),,$(PYTEST) -m long tests/integration)

demo: all $(VENV)/ready
	@AWSQ_BUILD=$(abspath $(BUILD)) PYTHON=$(abspath $(PYTHON)) tests/cloud/demo

cloud: all $(VENV)/ready
	@AWSQ_BUILD=$(abspath $(BUILD)) PYTHON=$(abspath $(PYTHON)) tests/cloud/by-hand $(BUILD)/cloud

# ---- Installing

MAN1 := $(wildcard tools/man/*.1)
MAN5 := $(wildcard tools/man/*.5)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig \
		$(DESTDIR)$(PREFIX)/include/awsq $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/doc/awsq
	install -m 755 $(TOOLS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(STATIC_LIB) $(SHARED_LIB) $(DESTDIR)$(PREFIX)/lib
	ln -sf $(notdir $(SHARED_LIB)) $(DESTDIR)$(PREFIX)/lib/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/libawsq.so
	install -m 644 $(BUILD)/awsq.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 $(wildcard include/awsq/*.h) $(DESTDIR)$(PREFIX)/include/awsq
	install -m 644 README.md LICENSE regions.cfg crontab.example tools/policy.json $(DESTDIR)$(PREFIX)/share/doc/awsq
	install -m 644 $(MAN1) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(MAN5) $(DESTDIR)$(PREFIX)/share/man/man5

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(notdir $(TOOLS)))
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/lib/,libawsq.a libawsq.so $(SONAME) $(notdir $(SHARED_LIB)))
	rm -f $(DESTDIR)$(PREFIX)/lib/pkgconfig/awsq.pc
	rm -rf $(DESTDIR)$(PREFIX)/include/awsq $(DESTDIR)$(PREFIX)/share/doc/awsq
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/,$(notdir $(MAN1)))
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/man/man5/,$(notdir $(MAN5)))

clean:
	rm -rf build

help:
	@echo 'make             build the library and the executables in $(BUILD)/'
	@echo 'make demo        the whole rotation, narrated, on a local test cloud; needs no AWS account'
	@echo 'make check       unit tests, then integration tests against the test cloud; ten minutes'
	@echo 'make lint        formatting, static analysis, header and layer checks'
	@echo 'make asan        all tests under the address and undefined behaviour sanitizers'
	@echo 'make bench       CPU, memory and instance-on time beside boto3, and the time of a roll-out'
	@echo 'make torture     200 runs with faults at random moments (no instance is ever left on), then'
	@echo '                 what check has in short: a kill at every call, 50 races, weeks of turns'
	@echo 'make cloud       a test cloud to try the tools against by hand'
	@echo 'make install     into PREFIX (/usr/local), below DESTDIR if set; make uninstall undoes it'
	@echo 'make clean       remove what was built'
	@echo 'demo, check, lint, asan, bench, torture and cloud install missing Debian or Ubuntu packages.'
