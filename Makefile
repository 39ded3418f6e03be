# awsq: run a job from many regions, on EC2 instances that are awake only while they work.
# `make help` lists the targets. Everything that is built goes below $(BUILD).

VERSION  := 0.1.0
# To be raised with a release that changes a function or a struct of a public header.
SONAME   := libawsq.so.0

BUILD    ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= cc
AR       ?= ar
OBJCOPY  ?= objcopy
OPT      ?= -O2 -g
SANITIZE ?=
# Warnings are errors where they are ours to mend: make lint builds so, with gcc and with clang.
WERROR   ?=
V        ?=
VENV     := build/venv
PYTHON   := $(VENV)/bin/python

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all everything demo check unit integration lint asan bench torture cloud install uninstall \
        deb check-deb clean help
all:

# ---- Settings of this machine: package flags, found once (and installed first, for the targets
# that promise to do so on a fresh machine).

# `make V=1` shows the commands, otherwise only what is made.
Q        := $(if $(V),,@)

GOALS    := $(or $(MAKECMDGOALS),all)
SETS_UP  := $(filter demo check unit integration lint asan bench torture cloud deb check-deb,$(GOALS))
ifneq ($(filter-out clean help uninstall,$(GOALS)),)
include $(BUILD)/config.mk
endif

$(BUILD)/config.mk: tools/dev/setup tools/dev/packages.txt
	@mkdir -p $(@D)
	@tools/dev/setup $(if $(SETS_UP),--install) $@

$(VENV)/ready: tests/requirements.txt
	@echo "python: setting up $(VENV) from $<: 53 MB to fetch, 330 MB on disk, a minute or more"
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install $$([ -t 2 ] || echo --quiet) --disable-pip-version-check -r $<
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
INNER_LIB  := $(BUILD)/libinner.a
TOOLS_LIB  := $(BUILD)/libtools.a

all: $(STATIC_LIB) $(SHARED_LIB) $(TOOLS)

# clang's part of the sanitizers is a package that lint does not install.
everything: all $(UNITS) $(HELPERS) $(if $(filter clang%,$(CC)),,$(BUILD)/asan/read_files) \
            $(BUILD)/measure

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

# The library as one object, in which what is hidden is local: a program linked to the archive may
# have an http_new of its own. Unit tests look inside: theirs is an archive of all objects.
$(BUILD)/obj/libawsq-public.o: $(call objects,$(LIB_SRC))
	@echo '  LD    $@'
	$(Q)$(LD) -r -o $@ $^
	$(Q)$(OBJCOPY) --localize-hidden $@

$(STATIC_LIB): $(BUILD)/obj/libawsq-public.o
$(INNER_LIB): $(call objects,$(LIB_SRC))
$(TOOLS_LIB): $(call objects,$(SHARED_SRC))
$(STATIC_LIB) $(INNER_LIB) $(TOOLS_LIB):
	@rm -f $@
	@echo '  AR    $@'
	$(Q)$(AR) rcs $@ $^

$(SHARED_LIB): $(call objects,$(LIB_SRC)) libawsq/awsq.map
	@echo '  LD    $@'
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--no-undefined -Wl,--version-script=libawsq/awsq.map \
		$(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB_LIBS)
	@ln -sf $(@F) $(BUILD)/$(SONAME)
	@ln -sf $(SONAME) $(BUILD)/libawsq.so

$(TOOLS): $(BUILD)/%: $(BUILD)/obj/tools/%.o $(TOOLS_LIB) $(STATIC_LIB)
	@echo '  LD    $@'
	$(Q)$(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(TOOLS_LIBS) $(LIB_LIBS)

$(UNITS) $(HELPERS): $(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(TOOLS_LIB) $(INNER_LIB)
	@mkdir -p $(@D)
	@echo '  LD    $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(TOOLS_LIBS) $(LIB_LIBS) $(TEST_LIBS)

$(BUILD)/measure: $(BUILD)/obj/tests/bench/measure.o
	@echo '  LD    $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

# ---- Completions: each executable prints its own, from the table that --help is of.

COMPLETED := $(notdir $(TOOLS))
BASH_COMPLETIONS := $(COMPLETED:%=$(BUILD)/completions/bash/%)
ZSH_COMPLETIONS  := $(COMPLETED:%=$(BUILD)/completions/zsh/_%)
FISH_COMPLETIONS := $(COMPLETED:%=$(BUILD)/completions/fish/%.fish)

all: $(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS)

$(BASH_COMPLETIONS): $(BUILD)/completions/bash/%: $(BUILD)/%
$(ZSH_COMPLETIONS): $(BUILD)/completions/zsh/_%: $(BUILD)/%
$(FISH_COMPLETIONS): $(BUILD)/completions/fish/%.fish: $(BUILD)/%
$(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS):
	@mkdir -p $(@D)
	$(Q)$< --completion=$(notdir $(@D)) >$@

# What reads the files that people write, with the sanitizers built in whatever the rest has: it is
# handed thousands of broken ones.
READ_FILES := $(BUILD)/asan/read_files
READ_SRC   := $(addprefix libawsq/,authority.c buf.c endpoint.c err.c hash.c num.c profile.c proxy.c \
                settings.c user_files.c words.c) \
              $(wildcard tools/fleet/config*.c) tools/fleet/grow.c tests/fuzz/read_files.c
READ_OBJ   := $(patsubst %.c,$(BUILD)/asan/obj/%.o,$(READ_SRC))
SANITIZED  := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

$(BUILD)/asan/obj/%.o: %.c $(BUILD)/config.mk
	@mkdir -p $(@D)
	@echo '  CC    $< (sanitized)'
	$(Q)$(CC) $(CPPFLAGS) -Itools $(LIB_CFLAGS) $(TOOLS_CFLAGS) $(CFLAGS) $(SANITIZED) -MMD -MP -c -o $@ $<
-include $(READ_OBJ:.o=.d)

$(READ_FILES): $(READ_OBJ)
	@echo '  LD    $@'
	$(Q)$(CC) $(LDFLAGS) $(SANITIZED) -Wl,--as-needed -o $@ $^ $(TOOLS_LIBS) $(LIB_LIBS)

# ---- Testing

check: unit integration

unit: $(UNITS)
	@tools/dev/run-units $(UNITS)

# Most tests wait as long as they work, so that there are more at a time than processors.
PYTEST    = AWSQ_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -n 7 --dist worksteal

integration: all $(HELPERS) $(READ_FILES) $(VENV)/ready
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

# Where to, below DESTDIR: each can be set. A distribution sets PREFIX and, mostly, LIBDIR.
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
DOCDIR     ?= $(DATADIR)/doc/awsq
PKGCONFDIR ?= $(LIBDIR)/pkgconfig

# What goes there: a folder, the files' mode, and the files. install and uninstall walk it.
define each_folder
$(call $(1),$(BINDIR),755,$(TOOLS))
$(call $(1),$(LIBDIR),644,$(STATIC_LIB) $(SHARED_LIB))
$(call $(1),$(INCLUDEDIR)/awsq,644,$(wildcard include/awsq/*.h))
$(call $(1),$(MANDIR)/man1,644,$(wildcard tools/man/*.1))
$(call $(1),$(MANDIR)/man3,644,$(wildcard tools/man/*.3))
$(call $(1),$(MANDIR)/man5,644,$(wildcard tools/man/*.5))
$(call $(1),$(DATADIR)/bash-completion/completions,644,$(BASH_COMPLETIONS))
$(call $(1),$(DATADIR)/zsh/site-functions,644,$(ZSH_COMPLETIONS))
$(call $(1),$(DATADIR)/fish/vendor_completions.d,644,$(FISH_COMPLETIONS))
$(call $(1),$(DOCDIR),644,README.md LICENSE regions.cfg crontab.example tools/policy.json \
	$(wildcard tools/schema/*.json))
endef

put  = $(if $(3),install -d $(DESTDIR)$(1) && install -m $(2) $(3) $(DESTDIR)$(1))
take = $(if $(3),rm -f $(addprefix $(DESTDIR)$(1)/,$(notdir $(3))))

# awsq.pc is made anew each time: its folders are those of this install, not of the build. Below the
# prefix they are given by it, as pkg-config --define-variable=prefix and sysroots want it.
below_prefix = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))

# Programs find a library by the cache of the linker: this system's, not a DESTDIR's, and root's.
tell_linker = $(if $(DESTDIR),,-[ "$$(id -u)" -ne 0 ] || PATH=$$PATH:/usr/sbin:/sbin ldconfig)

install: all
	$(call each_folder,put)
	ln -sf $(notdir $(SHARED_LIB)) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libawsq.so
	install -d $(DESTDIR)$(PKGCONFDIR)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(call below_prefix,$(LIBDIR))|' \
		-e 's|@INCLUDEDIR@|$(call below_prefix,$(INCLUDEDIR))|' -e 's|@VERSION@|$(VERSION)|' \
		libawsq/awsq.pc.in >$(DESTDIR)$(PKGCONFDIR)/awsq.pc
	chmod 644 $(DESTDIR)$(PKGCONFDIR)/awsq.pc
	$(tell_linker)

uninstall:
	$(call each_folder,take)
	$(call take,$(LIBDIR),,libawsq.so $(SONAME))
	$(call take,$(PKGCONFDIR),,awsq.pc)
	rm -rf $(DESTDIR)$(INCLUDEDIR)/awsq $(DESTDIR)$(DOCDIR)
	$(tell_linker)

# ---- Packaging

$(BUILD)/deb-ready: tools/dev/packages-deb.txt
	@tools/dev/setup --packages $<
	@touch $@

deb: $(BUILD)/deb-ready
	@tools/packaging/make-deb $(BUILD)/deb $(VERSION)

check-deb: deb
	@tools/dev/check-deb $(BUILD)/deb

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
	@echo 'make deb         Debian packages, in $(BUILD)/deb'
	@echo 'make check-deb   installs, tries and removes them on a clean Debian; minutes, as root'
	@echo 'make clean       remove what was built'
	@echo 'All but make, install, uninstall, clean and help install missing Debian or Ubuntu packages.'
