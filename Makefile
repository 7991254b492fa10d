# What a maintainer runs. README.md says which two commands a user needs.

GO ?= go

.PHONY: run run-all publish site speed statements calls hunt test test-full fuzz golden golden-check bench bench-compare bench-baseline bench-exact bench-exact-baseline bench-track bench-peers bench-limits prove prove-quick prove-gate identity generate generate-check lint rename

# Grade the reference and all adapters, and print one table. The first time the libraries are
# fetched. That one is nonconforming is a result like any other.
run run-all:
	$(GO) build -o bin/klconf ./cmd/klconf
	bin/klconf run || test $$? -eq 1

# Grade everything and write reports/published: results, and README.md of them. That one is
# nonconforming (exit 1) is a result like any other.
publish:
	$(GO) build -o bin/klconf ./cmd/klconf
	bin/klconf run --compact --json reports/published/ || test $$? -eq 1
	$(MAKE) site

# Write out/site, the published results as pages to look at, and README.md of reports/published.
site:
	$(GO) build -o bin/klconf ./cmd/klconf
	bin/klconf report reports/published --site out/site --markdown reports/published/README.md --speed reports/published/speed.txt

# Time everything, tool by tool, beside the reference: rows of a softmax of 1024.
speed:
	$(GO) build -o bin/klconf ./cmd/klconf
	@mkdir -p out
	@for tool in reference $$(bin/klconf list adapters | sed -n 's/ .*//p'); do \
		bin/klconf bench reference $$tool --sizes 1024 --data softmax --steps=false --out out/speed-$$tool.txt >/dev/null || echo "$$tool: exit $$?"; \
	done
	cat out/speed-*.txt >reports/published/speed.txt

# The oracle makes much garbage: that it is collected only beyond 1 GiB saves a third of the time.
lazily = GOGC=off GOMEMLIMIT=1GiB

# Everything that must hold before a commit, in a few minutes on two cores.
test: lint generate-check
	$(lazily) $(GO) test -timeout 30m ./...

# The slow proofs besides: full runs, the race detector, long searches.
test-full: lint staticcheck
	KLCONF_FULL=1 $(GO) test -timeout 120m ./...
	$(GO) test -race ./impl/... ./conform/... ./spec/...
	$(GO) run ./cmd/klconf run --full
	$(MAKE) identity IDENTITY_FULL=1

# How much of the engine, the catalogue and the oracle their own tests and the faults of
# property/mutant run through, by package; below 90 % it fails. out/uncovered.txt lists what is not.
.PHONY: coverage
covered = ./conform/...,./spec/...,./impl/exact/...
coverage:
	@mkdir -p out
	$(lazily) $(GO) test -count=1 -timeout 60m -coverpkg=$(covered) -coverprofile=out/cover.txt ./conform/... ./spec/... ./impl/exact/... ./property/... >out/cover.log || { cat out/cover.log; exit 1; }
	@sed -n 's/:\(.*\) \([0-9]*\) \([0-9]*\)$$/ \1 \2 \3/p' out/cover.txt | awk '\
		{ block = $$1 " " $$2; size[block] = $$3; hit[block] += $$4 } \
		END { \
			for (b in size) { split(b, part, " "); p = part[1]; sub("/[^/]*$$", "", p); all[p] += size[b]; if (hit[b]) got[p] += size[b]; else if (size[b]) print b >"out/uncovered.txt" } \
			for (p in all) { share = 100 * got[p] / all[p]; printf "%-24s %5.1f %% of %d statements\n", p, share, all[p]; if (share < 90) bad = 1 } \
			exit bad }'

# Try new inputs on everything that reads foreign bytes, and on every backend against the
# oracle: so many of each, for a minute in all. FUZZ=50000x tries more. What fails is kept in
# testdata/fuzz, and go test repeats it from then on.
FUZZ ?= 4000x
fuzz:
	@set -e; for t in spec/klap:Reader spec/klap:Serve spec/klap:Client spec:Known spec:Convention spec:Report golden:Vectors \
		adapters:Manifest cmd/klconf:Weights cmd/klconf:Safetensors reports/speed:Read bench/gate:Policy bench/gate:ReadSet impl:Backends impl:Logits; do \
		out=$$($(GO) test ./$${t%:*} -run '^$$' -fuzz "^Fuzz$${t#*:}$$" -fuzztime $(FUZZ) -fuzzminimizetime 10x) || { echo "$$out"; exit 1; }; \
		echo "$$out" | sed -n "s|^ok.*|$$t: $(FUZZ:x=) inputs|p"; \
	done

# Ask every call on logits about the stored rows of a language model; write the page that says
# which call gives which KL.
calls:
	$(GO) test ./adapters -timeout 20m -run 'TestCalls$$' -args -write

# Hunt for the worst input of everything that can be set up here, 2000 questions each, and write
# reports/published/hunts.md. A hunt goes on where it ended.
hunt:
	$(GO) build -o bin/klconf ./cmd/klconf
	@mkdir -p reports/published/hunts
	@set -e; for name in $(HUNTED); do \
		bin/klconf hunt $$name --lengths 3,8 --state reports/published/hunts/$$(echo $$name | tr / -).json >/dev/null || echo "$$name: exit $$?"; \
	done
	@{ printf '# The worst inputs found\n\n`make hunt` writes this page: `klconf hunt NAME --lengths 3,8`, pmfs in float64, or in float32 where that is not offered, under the declared convention. The words are bits.\n\n'; \
		bin/klconf hunt --from reports/published/hunts; } >reports/published/hunts.md
HUNTED = $$(bin/klconf list | sed -n 's/ .*//p')

# Write the vectors anew; a clean tree afterwards means they are current.
golden:
	$(GO) run ./golden/make

# Let Arb and mpmath judge every vector, and compare with golden/witness/record.json.
golden-check:
	CI=true KLCONF_FULL=1 $(GO) test -count=1 -timeout 40m -v ./golden/witness

# Compute the stored logits anew, from the model's package (93 MB, fetched) and the text in Go's
# tree, and compare their divergences; in two minutes. Optional: nothing else needs it.
.PHONY: logits
logits:
	$(GO) test -count=1 -timeout 20m -run Regenerate -v ./golden/model -args -logits

# Ask every adapter what its release was measured to answer; write the table.
statements:
	$(GO) test ./adapters -timeout 20m -run Statements -args -write

# Time every backend, into out/bench.txt, in a few minutes on a quiet machine.
bench:
	mkdir -p out
	$(GO) test ./bench -run '^$$' -bench . -benchtime 0.1s -count 6 -timeout 60m >out/bench.txt || { cat out/bench.txt; exit 1; }
	@echo "out/bench.txt is written; make bench-compare compares it with the baseline"

# What is counted and not measured (allocations, errors, tiers) must be as in the committed
# baseline, which make bench-exact-baseline makes anew; in half a minute, on any amd64.
counted = allocs/op,fallthrough,exact,ulp-max
bench-exact:
	@mkdir -p out bin
	$(GO) build -o bin/klconf ./cmd/klconf
	$(GO) test ./bench -run '^$$' -bench '^Benchmark(KL|KLApprox)$$/./././^n=(1024|32768|128256)$$|^BenchmarkKLLogits$$' -benchtime 1x -cpu 1 >out/counted.txt || { cat out/counted.txt; exit 1; }
	$(GO) tool benchfilter '.unit:('"$$(echo '$(counted)' | sed 's/,/ OR /g')"')' out/counted.txt | sed '/^machine: /d;/^cpu: /d;/^dot: /d' >out/exact.txt
	@here="/backend:($$(sed -n 's|.*/backend=\([^/]*\)/.*|\1|p' out/exact.txt | sort -u | sed ':a;N;$$!ba;s/\n/ OR /g'))"; \
	bin/klconf gate --unit $(counted) --filter "$$here" bench/exact.txt out/exact.txt >out/exact-gate.txt || { code=$$?; grep -v '^unchanged' out/exact-gate.txt; exit $$code; }; \
	bin/klconf gate --unit $(counted) --filter "$$here" out/exact.txt bench/exact.txt >out/exact-gate.txt || { grep -v '^unchanged' out/exact-gate.txt; echo "these were better than the baseline says: make bench-exact-baseline"; exit 1; }; \
	tail -1 out/exact-gate.txt

bench-exact-baseline:
	@test -f out/exact.txt || { echo "out/exact.txt is missing: run make bench-exact first"; exit 1; }
	cp out/exact.txt bench/exact.txt

# Append a run to the history of this processor; bin/klconf bench --trend shows it.
bench-track:
	@mkdir -p out bench/history
	$(GO) build -o bin/klconf ./cmd/klconf
	bin/klconf bench --sizes 1024,128256 --dtypes f64,f32 --data softmax,near-equal,zeros --steps=false --out out/track.txt || test $$? -eq 4 # gonum and the naive loop have no f32
	cat out/track.txt >>bench/history/$$(sed -n 's/^machine: //p;/^machine: /q' out/track.txt).txt

# The committed baseline of the processor that out/bench.txt is from.
baseline = bench/baseline/$$(sed -n 's/^machine: //p;/^machine: /q' out/bench.txt).txt
measured = test -f out/bench.txt || { echo "out/bench.txt is missing: run make bench first"; exit 1; }

# What out/bench.txt has changed against the baseline.
bench-compare:
	@$(measured)
	@test -f $(baseline) || { echo "no $(baseline): make bench-baseline makes one of out/bench.txt"; exit 1; }
	$(GO) tool benchstat baseline=$(baseline) now=out/bench.txt

# Make out/bench.txt the baseline.
bench-baseline:
	@$(measured)
	cp out/bench.txt $(baseline)

# Time every backend side by side with C and Go peers and print the ratios, in about
# two minutes; PEERS=-quick for less. cargo only fetches the C headers of NumKong.
bench-peers: bench/peers/numkong/crates
	@test "$$($(GO) env GOOS)/$$($(GO) env GOARCH)" = linux/amd64 || { echo "make bench-peers needs Linux on x86-64: its peers are written for that"; exit 1; }
	@command -v gcc >/dev/null || { echo "make bench-peers needs gcc: install it"; exit 1; }
	cd bench/peers && export CGO_ENABLED=1 CC=gcc && $(GO) vet ./... && $(GO) test ./... && $(GO) run . $(PEERS)

bench/peers/numkong/crates: bench/peers/numkong/Cargo.toml
	@command -v cargo >/dev/null || { echo "make bench-peers needs cargo, to fetch the C headers of NumKong: install Rust"; exit 1; }
	cd bench/peers/numkong && cargo vendor --quiet crates >/dev/null && touch crates

# What bounds the time of the AVX-512 kernels: cycles of their instructions, and of their loops.
bench-limits:
	cd bench/peers && CGO_ENABLED=1 CC=gcc $(GO) run ./limits

# How often the suite itself is wrong: grade every wrong implementation of property/mutant, and
# every right but different one with 20 seeds, let every ill-behaved adapter run into klconf, and
# write reports/proof.md, in seven minutes. prove-quick is for
# CI: no laws where none is named, 2 seeds, nothing written.
PROVE = $(lazily) $(GO) test ./property/mutant -count=1 -timeout 60m -run 'TestFaultsAreFound|TestVariantsAreNotAccused' -v -args -all
prove:
	@out=$$($(PROVE) -laws -seeds 20 -write) || { echo "$$out"; exit 1; }; echo "$$out" | grep -E '^(sensitivity|specificity):'
	@out=$$($(GO) test ./cmd/klconf -count=1 -run 'TestFaults$$' -v -args -proof) || { echo "$$out"; exit 1; }; echo "$$out" | grep '^ill-behaved'

prove-quick:
	@out=$$($(PROVE) -seeds 2) || { echo "$$out"; exit 1; }; echo "$$out" | grep -E '^(sensitivity|specificity):'

# Measure a program against itself 25 times with klconf gate, in 40 minutes, and write the record
# and bench/gate/PROOF.md of it; KLCONF_FULL=1 go test ./bench/gate replays the record. Leave the host alone.
prove-gate:
	mkdir -p out/prove-gate
	$(GO) test ./bench/gate -run 'TestProof$$' -timeout 4h -v -args -live $(CURDIR)/out/prove-gate -write

# The same bits everywhere: a hash over a million answers with each level of x86-64, with the
# race detector, without assembly, on 386, and by qemu (Debian's qemu-user) on arm64, riscv64
# and the big-endian s390x.
IDENTITY = $(GO) test -count=1 -timeout 60m -run 'TestIdentity$$' -v ./impl
identity:
	@command -v qemu-aarch64 qemu-riscv64 qemu-s390x >/dev/null || { echo "make identity: no qemu-user here: apt-get install qemu-user"; exit 1; }
	@set -e; export KLCONF_FULL=$(IDENTITY_FULL); \
	run() { echo "== $$*"; out=$$(env "$$@" $(IDENTITY)) || { echo "$$out"; exit 1; }; echo "$$out" | grep '^identity:'; }; \
	run GOAMD64=v1; \
	if grep -qw avx2 /proc/cpuinfo; then run GOAMD64=v3; else echo "GOAMD64=v3 cannot run here: no AVX2"; fi; \
	if grep -qw avx512dq /proc/cpuinfo; then run GOAMD64=v4; else echo "GOAMD64=v4 cannot run here: no AVX-512"; fi; \
	run GOFLAGS=-race; run GOFLAGS=-tags=purego; run GOARCH=386; \
	run GOARCH=arm64 GOFLAGS=-exec=qemu-aarch64; run GOARCH=riscv64 GOFLAGS=-exec=qemu-riscv64; run GOARCH=s390x GOFLAGS=-exec=qemu-s390x

# Write the assembly of impl anew, and see whether what is committed is current.
generate:
	$(GO) generate ./impl

generate-check:
	$(GO) run -C impl/_asm . -isa avx2 -check
	$(GO) run -C impl/_asm . -isa avx512 -check
	$(GO) run -C impl/_asm . -isa logits512 -check
	$(GO) run -C impl/_asm . -isa logits2 -check

lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...

# Find what nothing uses and what is wrong in all likelihood.
.PHONY: staticcheck
staticcheck:
	$(GO) tool staticcheck ./...

# Give the module its published path: make rename TO=example.org/klconf
rename:
	test -n "$(TO)"
	grep -rl --include=*.go '"klconf/' . | xargs sed -i 's#"klconf/#"$(TO)/#g'
	$(GO) mod edit -module $(TO)
	cd bench/peers && $(GO) mod edit -module $(TO)/bench/peers -droprequire klconf -dropreplace klconf -require $(TO)@v0.0.0 -replace $(TO)=../..
	gofmt -w .
