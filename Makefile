# godwit. `make help` lists the targets; README.md in each folder says what lives there.
#
# Objects go to build/<hash of compiler and flags>/, so that builds with other flags never mix; build/godwit and its
# neighbours are links to the newest. CC, CPPFLAGS, CFLAGS, LDFLAGS, LDLIBS are the user's: they come after ours.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

# ---- Packages --------------------------------------------------------------------------------------------------------

# What building, testing and the demo need, by Debian's names.
PACKAGES := gcc libc6-dev pkg-config lua5.4 liblua5.4-dev lua-argparse protobuf-c-compiler libprotobuf-c-dev \
  libsnappy-dev libpcre2-dev libisal-dev libjansson-dev libmd-dev libedit2 lua-busted lua-check tmux
# What working on godwit needs beside that: analysis, sanitizers, fuzzing, Python for the interop specs.
PACKAGES_DEV := g++ clang clang-tidy libclang-rt-14-dev valgrind shellcheck mandoc python3 python3-venv git zsh fish

.PHONY: deps deps-dev
deps: ## install the Debian packages that building and testing need
	@spec/support/packages.sh $(PACKAGES)
deps-dev: ## install those that lint, sanitizers, fuzzing and interop need
	@spec/support/packages.sh $(PACKAGES) $(PACKAGES_DEV)

# `make deps all`: pkg-config can only be asked once the packages are there, so the rest is a second make.
first := $(filter deps deps-dev,$(MAKECMDGOALS))
rest := $(filter-out deps deps-dev,$(MAKECMDGOALS))
ifneq ($(and $(first),$(rest)),)
.PHONY: $(rest) rest
$(rest): rest
	@:
rest: $(first)
	@$(MAKE) --no-print-directory $(rest)
else

# A comma where one would separate arguments.
, := ,

# ---- Settings --------------------------------------------------------------------------------------------------------

# The version is written once, in core/godwit.h.
version_part = $(shell sed -n 's/^\#define GW_VERSION_$(1) //p' core/godwit.h)
VERSION_MAJOR := $(call version_part,MAJOR)
VERSION := $(VERSION_MAJOR).$(call version_part,MINOR).$(call version_part,PATCH)

PREFIX ?= /usr/local
prefix ?= $(PREFIX)
exec_prefix ?= $(prefix)
bindir ?= $(exec_prefix)/bin
libdir ?= $(exec_prefix)/lib
includedir ?= $(prefix)/include
datarootdir ?= $(prefix)/share
mandir ?= $(datarootdir)/man
man1dir ?= $(mandir)/man1
man3dir ?= $(mandir)/man3
docdir ?= $(datarootdir)/doc/godwit
pkgconfigdir ?= $(libdir)/pkgconfig
# Where bash (with its package bash-completion), zsh and fish look for completions.
bashcompletiondir ?= $(datarootdir)/bash-completion/completions
zshcompletiondir ?= $(datarootdir)/zsh/site-functions
fishcompletiondir ?= $(datarootdir)/fish/vendor_completions.d
# Where Debian's lua5.4 looks with the default prefix.
luadir ?= $(datarootdir)/lua/5.4
luacdir ?= $(exec_prefix)/lib/lua/5.4
INSTALL ?= install

LUA ?= lua5.4
BUSTED ?= /usr/bin/busted
LUACHECK ?= luacheck
PROTOC_C ?= protoc-c
PKG_CONFIG ?= pkg-config
ARGPARSE ?= /usr/share/lua/5.4/argparse.lua
FUZZ_SECONDS ?= 600
SANITIZE ?=

VENV ?= build/venv
TENSORFLOW ?= tensorflow-cpu==2.15.*

# Sanitizers and libFuzzer are clang's, unless the user chose a compiler.
ifneq ($(SANITIZE),)
ifeq ($(origin CC),default)
CC := clang
endif
endif

# ---- Flags -----------------------------------------------------------------------------------------------------------

# Every warning is on for every file of ours; generated protobuf code is exempt (it casts const away and narrows).
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wundef -Wcast-align -Wcast-qual -Wstrict-prototypes \
  -Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2
ifneq ($(filter true 1,$(CI) $(WERROR)),)
WARNINGS += -Werror
endif

# Headers of libraries are system headers: their macros are not ours to fix.
library = $(shell { $(PKG_CONFIG) $(1) $(2); } 2>/dev/null)
system_headers = $(patsubst -I%,-isystem %,$(call library,--cflags,$(1)))
ISAL := $(call library,--exists,libisal && echo yes)
CORE_LIBRARIES := libprotobuf-c snappy libpcre2-8 $(if $(ISAL),libisal)
LUA_LIBRARIES := lua5.4 jansson libmd

our_cppflags := -D_GNU_SOURCE $(if $(ISAL),-DGW_HAVE_ISAL) $(call system_headers,$(CORE_LIBRARIES) $(LUA_LIBRARIES))
# A product and a sum are rounded each by itself on every machine, also where there is an instruction for both.
our_cflags := -std=c11 -O2 -g -fPIC -pthread -fvisibility=hidden -fno-common -ffp-contract=off
our_ldflags := -pthread -Wl,--as-needed
ifneq ($(SANITIZE),)
our_cppflags += -DGW_FAULTS -DGW_ARENA_DEBUG
our_cflags += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
# libFuzzer brings its own main: `fuzzer-no-link` marks the objects, `fuzzer` is said where targets are linked.
our_ldflags += -fsanitize=$(patsubst fuzzer-no-link$(,)%,%,$(SANITIZE))
else
our_cflags += -fstack-protector-strong
our_ldflags += -Wl,-z,relro,-z,now
# The C library refuses to fortify code that is not optimised.
our_cppflags += $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif
CORE_LIBS := $(or $(call library,--libs,$(CORE_LIBRARIES)),-lprotobuf-c -lsnappy -lpcre2-8) -lm
LUA_LIBS := $(or $(call library,--libs,jansson libmd),-ljansson -lmd)
PROGRAM_LIBS := $(or $(call library,--libs,lua5.4),-llua5.4) $(LUA_LIBS) -ldl

generated := build/generated
compile_base = $(CC) $(our_cppflags) $(1) $(CPPFLAGS) $(our_cflags) $(loops) $(2) $(CFLAGS)
compile = $(call compile_base,-isystem $(generated)/proto $(1),$(WARNINGS)) -MMD -MP -c -o $@ $<
link = $(CC) $(our_cflags) $(CFLAGS) $(our_ldflags) $(1) $(LDFLAGS) -o $@ $(2) $(LDLIBS)

quoted = '$(subst ','\'',$(1))'
variant = build/$(shell { $(CC) --version; printf '%s\n' $(call quoted,$(call compile_base,$(1),$(WARNINGS)) $(our_ldflags) $(LDFLAGS) $(CORE_LIBS) \
  $(PROGRAM_LIBS) $(LDLIBS)); } 2>/dev/null | sha256sum | cut -c1-12)
O := $(variant)
# Unit tests and fuzz replay use a core whose allocations and system calls can be made to fail.
F := $(if $(SANITIZE),$(O),$(call variant,-DGW_FAULTS))

ifeq ($(V),)
say = @printf '  %-6s %s\n' $(1) $(2);
else
say =
endif

# ---- Sources ---------------------------------------------------------------------------------------------------------

CORE_SRC := $(sort $(wildcard core/*/*.c))
BINDINGS_SRC := $(sort $(filter-out bindings/main.c bindings/embed.c,$(wildcard bindings/*.c)))
PROTO := $(sort $(wildcard proto/*.proto))
SCRIPTS := $(sort $(filter-out scripts/embed.lua scripts/manual/%,$(shell find scripts -name '*.lua' 2>/dev/null)))
# A page for each command and one text around the other two: the overview and the Lua API.
MANUAL_TEXTS := $(sort $(wildcard scripts/manual/*.mdoc))
UNIT_SRC := $(sort $(wildcard spec/c/*_test.c spec/faults/*_test.c))
FUZZ_SRC := $(sort $(wildcard spec/fuzz/*_fuzz.c))
SPECS := $(sort $(wildcard spec/*_spec.lua spec/faults/*_spec.lua))

PB_C := $(PROTO:%.proto=$(generated)/%.pb-c.c)
PB_H := $(PB_C:.c=.h)
EMBED_C := $(O)/scripts.c
core_objects = $(CORE_SRC:%.c=$(1)/%.o) $(PB_C:$(generated)/%.c=$(1)/%.o)
BINDINGS_OBJ := $(BINDINGS_SRC:%.c=$(O)/%.o) $(O)/scripts.o

PROGRAM := $(if $(wildcard bindings/main.c),$(O)/godwit)
MODULE := $(if $(BINDINGS_SRC),$(O)/lua/godwit/core.so)
SONAME := libgodwit.so.$(VERSION_MAJOR)
LIBRARIES := $(O)/$(SONAME) $(O)/libgodwit.a
UNITS := $(UNIT_SRC:%.c=$(F)/%)
REPLAYS := $(FUZZ_SRC:%.c=$(F)/%)
FUZZERS := $(FUZZ_SRC:%.c=$(O)/%.libfuzzer)
MANUAL := $(patsubst %,$(generated)/manual/%,godwit.1 godwit-api.3 \
  $(patsubst scripts/manual/%.mdoc,godwit-%.1,$(filter-out %/godwit.mdoc %/api.mdoc,$(MANUAL_TEXTS))))
API_MARKDOWN := $(generated)/manual/godwit-api.md

# ---- Building --------------------------------------------------------------------------------------------------------

.PHONY: all check test accept mutations test-gc asan tsan valgrind fuzz fuzzers bench interop lint stage docs install uninstall dist clean demo help FORCE

all: $(LIBRARIES) $(MODULE) $(PROGRAM) $(MANUAL) ## build the program, the C library, the Lua module and the manual into build/
	@for file in godwit libgodwit.a $(SONAME) lua/godwit/core.so; do \
	  if [ -e $(O)/$$file ] && ! cmp -s $(O)/$$file build/$$file; then \
	    mkdir -p "$$(dirname build/$$file)" && ln -f $(O)/$$file build/$$file || exit 1; fi; done

$(PB_C) $(PB_H) &: $(PROTO)
	$(call say,PROTOC,"$(PROTO)")mkdir -p $(generated)/proto && \
	  $(PROTOC_C) --proto_path=proto --c_out=$(generated)/proto $(PROTO)

# A script that is gone must go from the program too: the list of names is a prerequisite that changes only with them.
$(generated)/scripts.list: FORCE
	@mkdir -p $(@D); printf '%s\n' $(ARGPARSE) $(SCRIPTS) | cmp -s - $@ || printf '%s\n' $(ARGPARSE) $(SCRIPTS) >$@
$(EMBED_C): $(O)/embed scripts/embed.lua $(SCRIPTS) $(ARGPARSE) $(generated)/scripts.list
	$(call say,EMBED,"$(words $(SCRIPTS)) scripts")$(O)/embed scripts/embed.lua $@ argparse=$(ARGPARSE) $(SCRIPTS)
# The options of a page are those of the command's parser, the reference is that of meta.lua's annotations.
$(MANUAL) $(API_MARKDOWN) &: $(wildcard scripts/manual/*.lua) $(MANUAL_TEXTS) $(filter scripts/godwit/%,$(SCRIPTS)) $(ARGPARSE) | $(O)/embed
	$(call say,MANUAL,"$(words $(MANUAL)) pages")rm -rf $(@D) && mkdir -p $(@D) && $(O)/embed scripts/manual/build.lua $(@D) $(ARGPARSE) $(MANUAL_TEXTS)
$(ARGPARSE):
	@echo "argparse for Lua 5.4 is not at $(ARGPARSE): make deps, or ARGPARSE=FILE" >&2; exit 1

# One set of rules per variant: $(1) is its folder, $(2) what it defines.
define variant_rules
# Loops over elements pay for vector code, which gcc makes at -O2 only of the simplest ones, and of those that choose between
# two results only when nobody looks at floating-point flags.
$(1)/core/tensor/%.o: loops := -O3 -fno-trapping-math
$(1)/%.o: %.c | $$(PB_H)
	$$(call say,CC,$$<)mkdir -p $$(@D) && $$(call compile,$(2))
$(1)/proto/%.o: $$(generated)/proto/%.c | $$(PB_H)
	$$(call say,CC,$$<)mkdir -p $$(@D) && $$(call compile_base,$(2),-w) -c -o $$@ $$<
# The list's name changes nothing; its content does, when a source file comes or goes.
$(1)/core.list: FORCE
	@mkdir -p $$(@D); printf '%s\n' $$(call core_objects,$(1)) | cmp -s - $$@ || printf '%s\n' $$(call core_objects,$(1)) >$$@
$(1)/libgodwit.a: $$(call core_objects,$(1)) $(1)/core.list
	$$(call say,AR,$$@)rm -f $$@ && $$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(eval $(call variant_rules,$(O),))
ifneq ($(F),$(O))
$(eval $(call variant_rules,$(F),-DGW_FAULTS))
endif

# A tool of the build: compiled scripts are for the Lua library that this build links.
$(O)/embed: $(O)/bindings/embed.o
	$(call say,LINK,$@)$(call link,,$^ $(PROGRAM_LIBS))
$(O)/scripts.o: $(EMBED_C) bindings/embed.h
	$(call say,CC,$<)mkdir -p $(@D) && $(call compile_base,-Ibindings,) -c -o $@ $<
$(O)/$(SONAME): $(call core_objects,$(O)) $(O)/core.list
	$(call say,LINK,$@)$(call link,-shared $(if $(SANITIZE),,-Wl$(,)-z$(,)defs) -Wl$(,)-soname$(,)$(SONAME),$(filter %.o,$^) $(CORE_LIBS))
# The module carries the core: it needs no installed libgodwit.
$(O)/lua/godwit/core.so: $(BINDINGS_OBJ) $(O)/libgodwit.a
	$(call say,LINK,$@)mkdir -p $(@D) && $(call link,-shared,$^ $(CORE_LIBS) $(LUA_LIBS))
$(O)/godwit: $(O)/bindings/main.o $(BINDINGS_OBJ) $(O)/libgodwit.a
	$(call say,LINK,$@)$(call link,,$^ $(CORE_LIBS) $(PROGRAM_LIBS))

# ---- Testing ---------------------------------------------------------------------------------------------------------

# The C units and the fuzz replay share their shape: one file, the static core of variant F.
define unit_rules
$(F)/$(1): $(F)/$(1).o $(2) $(F)/libgodwit.a
	$$(call say,LINK,$$@)$$(call link,,$$^ $$(CORE_LIBS))
endef
$(foreach unit,$(UNIT_SRC:.c=),$(eval $(call unit_rules,$(unit),)))
$(foreach unit,$(FUZZ_SRC:.c=),$(eval $(call unit_rules,$(unit),$(F)/spec/fuzz/standalone.o)))

# Sanitizers do not reach a module that plain lua5.4 loads, so there the specs run in a Lua with godwit.core built in.
HOST := $(if $(SANITIZE),$(if $(MODULE),$(O)/spec-host))
$(O)/spec-host: $(O)/spec/support/host.o $(BINDINGS_OBJ) $(O)/libgodwit.a
	$(call say,LINK,$@)$(call link,,$^ $(CORE_LIBS) $(PROGRAM_LIBS))

test_parts := $(UNITS) $(REPLAYS) $(MODULE) $(PROGRAM) $(MANUAL) $(HOST)
test_environment = ROOT=$(CURDIR) UNITS="$(UNITS)" REPLAYS="$(REPLAYS)" SPECS="$(SPECS)" BUSTED=$(BUSTED) \
  SPEC_LUA="$(or $(HOST),$(LUA))" MODULES=$(CURDIR)/$(O)/lua GODWIT=$(CURDIR)/$(or $(PROGRAM),build/godwit) SANITIZE=$(SANITIZE) STAGE=$(CURDIR)/$(O)/stage

check: test
test: $(if $(SANITIZE),,all stage) $(test_parts) ## run the whole suite (also `check`); ends with the counts
	@$(test_environment) spec/support/run_tests.sh units replays specs $(if $(SANITIZE),,installed)
# An installation into an empty folder, which the suite then looks at.
stage: all
	@rm -rf $(O)/stage
	@$(MAKE) --no-print-directory -s install DESTDIR=$(CURDIR)/$(O)/stage PREFIX=/usr/local >/dev/null
accept: all ## rewrite what spec/fixtures/cli and the pages expect by what the program prints now; review the diff
	@$(test_environment) ACCEPT=1 SPECS="spec/cli_spec.lua spec/documents_spec.lua" spec/support/run_tests.sh specs
mutations: all ## break the library's recipes in every way that the specs know, and see their tests fail
	@$(test_environment) MUTATIONS=all SHOW=1 SPECS=spec/mutations_spec.lua spec/support/run_tests.sh specs
test-gc: all ## run the specs while the garbage collector runs at every step
	@$(test_environment) spec/support/run_tests.sh specs-gc
asan: ## run the suite under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory SANITIZE=address,undefined test
tsan: ## run the suite under the thread sanitizer
	@$(MAKE) --no-print-directory SANITIZE=thread test

valgrind: all $(test_parts) ## run units, replays and specs, and every run of the program in them, under valgrind (20 minutes)
	@$(test_environment) VALGRIND=1 spec/support/run_tests.sh units replays specs checked

# `fuzzers` runs inside the variant that `fuzz` chooses.
fuzz: ## fuzz every target for FUZZ_SECONDS=600 each; what is found lands in build/fuzz/
	@$(MAKE) --no-print-directory SANITIZE=fuzzer-no-link,address,undefined fuzzers
fuzzers: $(FUZZERS)
	@FUZZERS="$(FUZZERS)" FUZZ_SECONDS=$(FUZZ_SECONDS) spec/support/run_tests.sh fuzz
$(O)/%.libfuzzer: $(O)/%.o $(O)/libgodwit.a
	$(call say,LINK,$@)$(call link,-fsanitize=fuzzer,$^ $(CORE_LIBS))

bench: all ## time the jobs beside cp and dd in one run; prints ratios
	@$(test_environment) spec/support/run_tests.sh bench
interop: all ## let TensorFlow (from PyPI, in build/venv) read what godwit writes
	@TENSORFLOW="$(TENSORFLOW)" spec/support/venv.sh $(VENV)
	@$(test_environment) VENV=$(VENV) spec/support/run_tests.sh interop

lint_flags := $(our_cppflags) -isystem $(generated)/proto $(filter-out -fno-common,$(our_cflags)) $(WARNINGS)
lint: $(PB_H) $(MANUAL) ## luacheck, clang-tidy, shellcheck, mandoc, and who may include what
	@CC="$(CC)" FLAGS=$(call quoted,$(lint_flags)) LUACHECK=$(LUACHECK) LUA=$(LUA) spec/support/lint.sh

demo: all ## migrate a checkpoint that TensorFlow wrote, and show it before and after
	@GODWIT=$(CURDIR)/build/godwit examples/demo.sh

# ---- Documents, installing, packing ----------------------------------------------------------------------------------

# What people read: each page as text and, where mandoc is installed, as HTML; the reference of the Lua API as Markdown too.
DOCS := $(MANUAL:$(generated)/manual/%=build/docs/%.txt)
docs: $(DOCS) build/docs/api.md ## render the manual and the reference of the Lua API into build/docs/
build/docs/%.txt: $(generated)/manual/%
	$(call say,MAN,$@)mkdir -p $(@D) && if command -v mandoc >/dev/null; then mandoc -T utf8 $< | sed 's/.\x08//g' >$@ && \
	  mandoc -T html -O style=none,man=%N.%S.html $< >$(@:.txt=.html); else man -l $< >$@; fi
build/docs/api.md: $(API_MARKDOWN)
	$(call say,COPY,$@)mkdir -p $(@D) && cp $< $@

define PC
prefix=$(prefix)
exec_prefix=$(exec_prefix)
libdir=$(libdir)
includedir=$(includedir)

Name: godwit
Description: Reads, migrates and writes TensorFlow checkpoints
Version: $(VERSION)
Requires.private: $(CORE_LIBRARIES)
Libs: -L$${libdir} -lgodwit
Libs.private: -lm -pthread
Cflags: -I$${includedir}
endef
export PC

# Scripts of the API go where `require "godwit"` of a stock lua5.4 finds them; the program has all of them inside.
API_SCRIPTS := $(filter scripts/godwit/%,$(SCRIPTS))
EXAMPLES := $(shell find examples -type f -not -name '*.py' -not -name '*.sh')
D := $(DESTDIR)
install: all ## install under PREFIX=/usr/local (DESTDIR and the GNU directory names are honoured)
	$(INSTALL) -d $(D)$(bindir) $(D)$(libdir) $(D)$(includedir) $(D)$(pkgconfigdir) $(D)$(man1dir) $(D)$(man3dir) $(D)$(luacdir)/godwit
	$(if $(PROGRAM),$(INSTALL) -m 755 $(PROGRAM) $(D)$(bindir)/godwit)
	$(INSTALL) -m 644 core/godwit.h $(D)$(includedir)/godwit.h
	$(INSTALL) -m 644 $(O)/libgodwit.a $(D)$(libdir)/libgodwit.a
	$(INSTALL) -m 755 $(O)/$(SONAME) $(D)$(libdir)/libgodwit.so.$(VERSION)
	ln -sf libgodwit.so.$(VERSION) $(D)$(libdir)/$(SONAME)
	ln -sf $(SONAME) $(D)$(libdir)/libgodwit.so
	@printf '%s\n' "$$PC" >$(D)$(pkgconfigdir)/godwit.pc
	$(if $(MODULE),$(INSTALL) -m 755 $(MODULE) $(D)$(luacdir)/godwit/core.so)
	@$(foreach script,$(API_SCRIPTS),$(INSTALL) -D -m 644 $(script) $(D)$(luadir)/$(script:scripts/%=%) &&) :
	$(INSTALL) -m 644 $(filter %.1,$(MANUAL)) $(D)$(man1dir)
	$(INSTALL) -m 644 $(filter %.3,$(MANUAL)) $(D)$(man3dir)
	$(INSTALL) -D -m 644 scripts/completions/godwit.bash $(D)$(bashcompletiondir)/godwit
	$(INSTALL) -D -m 644 scripts/completions/godwit.zsh $(D)$(zshcompletiondir)/_godwit
	$(INSTALL) -D -m 644 scripts/completions/godwit.fish $(D)$(fishcompletiondir)/godwit.fish
	@$(foreach page,README.md scripts/README.md $(EXAMPLES),$(INSTALL) -D -m 644 $(page) $(D)$(docdir)/$(page) &&) :
	@$(if $(D),,ldconfig 2>/dev/null ||) :

uninstall: ## remove what install put there
	rm -f $(D)$(bindir)/godwit $(D)$(includedir)/godwit.h $(D)$(pkgconfigdir)/godwit.pc
	rm -f $(patsubst $(generated)/manual/%,$(D)$(man1dir)/%,$(filter %.1,$(MANUAL))) $(patsubst $(generated)/manual/%,$(D)$(man3dir)/%,$(filter %.3,$(MANUAL)))
	rm -f $(D)$(libdir)/libgodwit.a $(D)$(libdir)/libgodwit.so $(D)$(libdir)/$(SONAME) $(D)$(libdir)/libgodwit.so.$(VERSION)
	rm -f $(D)$(bashcompletiondir)/godwit $(D)$(zshcompletiondir)/_godwit $(D)$(fishcompletiondir)/godwit.fish
	rm -rf $(D)$(luacdir)/godwit $(D)$(luadir)/godwit $(D)$(docdir)

dist: ## pack the committed sources as build/godwit-VERSION.tar.gz
	@mkdir -p build
	git archive --format=tar.gz --prefix=godwit-$(VERSION)/ -o build/godwit-$(VERSION).tar.gz HEAD

clean: ## remove build/
	rm -rf build

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
	  printf '  %-10s %s\n' "$$name" "$$text"; done

-include $(patsubst %.o,%.d,$(call core_objects,$(O)) $(BINDINGS_OBJ) $(O)/bindings/main.o $(O)/bindings/embed.o $(UNITS:%=%.o) $(REPLAYS:%=%.o) \
  $(F)/spec/fuzz/standalone.o $(O)/spec/support/host.o)
-include $(if $(filter $(F),$(O)),,$(patsubst %.o,%.d,$(call core_objects,$(F))))
endif
