# pg_imat: incremental materialized tables.  A PGXS build:  make && make install && make installcheck
EXTENSION = pg_imat
EXTVERSION = 0.1.0
MODULE_big = pg_imat
OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard src/*/*.cpp)))
DATA_built = pg_imat--$(EXTVERSION).sql
DATA = $(wildcard sql/updates/*.sql)

REGRESS_OPTS = --inputdir=test/regress --outputdir=test/regress
REGRESS = $(shell sed -n 's/^test: *//p' test/regress/schedule 2>/dev/null)
ISOLATION_OPTS = --inputdir=test/isolation --outputdir=test/isolation
ISOLATION = $(shell sed -n 's/^test: *//p' test/isolation/schedule 2>/dev/null)
EXTRA_CLEAN = $(OBJS:.o=.d) test/regress/results test/regress/regression.* test/isolation/output_iso

# make FAULTS=1: a library for tests, in which each call of PostgreSQL can be made to fail (test/faults).
ifdef FAULTS
FAULT_FILES = test/faults/faults.o test/faults/trampolines.o
EXTRA_CLEAN += $(FAULT_FILES) test/faults/faults.d test/faults/trampolines.S test/faults/wrap.options
endif

PG_CONFIG ?= pg_config
# gnu++20: copyObject() needs typeof.  -isystem: PostgreSQL's headers use "register".
PG_CXXFLAGS = -std=gnu++20 -Wall -Wextra -Wshadow $(WERROR) $(SANITIZE)
PG_CPPFLAGS = -Isrc -MMD -MP -isystem $(shell $(PG_CONFIG) --includedir-server)
SHLIB_LINK = -lstdc++ -Wl,--version-script=exports.map $(SANITIZE)

# JIT cannot usefully inline C++, and would compile every file twice.
override with_llvm = no

LIBRARY_OBJS := $(OBJS)
ifdef FAULTS
OBJS += $(FAULT_FILES)
SHLIB_LINK += @test/faults/wrap.options -Wl,--wrap=RegisterSubXactCallback
endif

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The install script is the files of sql/ in the order of their numbers.
pg_imat--$(EXTVERSION).sql: $(sort $(wildcard sql/*.sql))
	cat $^ > $@

test/faults/trampolines.S: $(LIBRARY_OBJS) test/faults/make_trampolines test/faults/never_raise.txt
	test/faults/make_trampolines $(shell $(PG_CONFIG) --bindir)/postgres $@ test/faults/wrap.options $(LIBRARY_OBJS)

-include $(OBJS:.o=.d)
