# What a maintainer runs. README.md says which two commands a user needs.

GO ?= go

.PHONY: run publish statements test test-full golden golden-check lint rename

# Grade the reference and 23 entry points of gonum, SciPy, NLTK, PyTorch, TensorFlow,
# JAX and Optax, and print one table. The first time the frameworks are fetched.
run:
	$(GO) run ./cmd/klconf run

# Grade everything and write reports/published: results, page, Markdown. That
# one is nonconforming (exit 1) is a result like any other.
publish:
	$(GO) build -o bin/klconf ./cmd/klconf
	bin/klconf run --compact --json reports/published/ || test $$? -eq 1
	bin/klconf report reports/published --html reports/published/index.html --markdown reports/published/README.md

# Everything that must hold before a commit, in a few minutes on two cores.
test: lint
	$(GO) test -timeout 30m ./...

# The slow proofs besides: full runs, the race detector, long searches.
test-full: lint
	KLCONF_FULL=1 $(GO) test -timeout 120m ./...
	$(GO) test -race ./impl/... ./conform/... ./spec/...
	$(GO) run ./cmd/klconf run --full

# Write the vectors anew; a clean tree afterwards means they are current.
golden:
	$(GO) run ./golden/make

# Let Arb and mpmath judge every vector, and compare with golden/witness/record.json.
golden-check:
	CI=true KLCONF_FULL=1 $(GO) test -count=1 -timeout 40m -v ./golden/witness

# Ask every adapter what its release was measured to answer; write the table.
statements:
	$(GO) test ./adapters -timeout 20m -run Statements -args -write

lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...

# Give the module its published path: make rename TO=example.org/klconf
rename:
	test -n "$(TO)"
	grep -rl --include=*.go '"klconf/' . | xargs sed -i 's#"klconf/#"$(TO)/#g'
	$(GO) mod edit -module $(TO)
	gofmt -w .
