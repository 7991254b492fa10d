package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"klconf/spec"
)

func TestMain(m *testing.M) {
	// make test lets tests keep garbage. Not here: programs are started and their memory is
	// measured, which until they are loaded is that of who starts them.
	os.Unsetenv("GOGC")
	os.Unsetenv("GOMEMLIMIT")
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(math.MaxInt64)
	testscript.Main(m, map[string]func(){
		"klconf":  main,
		"adapter": adapterMain,
	})
}

func TestScripts(t *testing.T) {
	schema, err := filepath.Abs(filepath.Join("..", "..", "spec", "schema", "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	check, err := filepath.Abs(filepath.Join("..", "..", "bench", "ci", "check.sh"))
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
			env.Setenv("HOME", env.WorkDir)
			// What the compilers of the templates find under HOME.
			env.Setenv("RUSTUP_HOME", cmp.Or(os.Getenv("RUSTUP_HOME"), filepath.Join(home, ".rustup")))
			env.Setenv("GOCACHE", cmp.Or(os.Getenv("GOCACHE"), filepath.Join(cache, "go-build")))
			env.Setenv("CHECK", check)
			env.Setenv("SHARD", filepath.Join(filepath.Dir(check), "shard.sh"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// exits CODE CMD ARG… runs a command and demands its exit code.
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				got := 0
				var exit *exec.ExitError
				if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
					got = exit.ExitCode()
				} else {
					ts.Check(err)
				}
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
			// appears FILE waits until a file is there.
			"appears": func(ts *testscript.TestScript, neg bool, args []string) {
				for range 2000 {
					if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
				ts.Fatalf("%s does not appear", args[0])
			},
			// valid FILE… demands result files of the schema.
			"valid": func(ts *testscript.TestScript, neg bool, args []string) {
				s, err := jsonschema.NewCompiler().Compile(schema)
				ts.Check(err)
				for _, name := range args {
					v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(ts.ReadFile(name))))
					ts.Check(err)
					ts.Check(s.Validate(v))
				}
			},
			// npy FILE DESCR BYTES writes a NumPy file with the header of a vector
			// of three and the bytes in hexadecimal.
			"npy": func(ts *testscript.TestScript, neg bool, args []string) {
				data, err := hex.DecodeString(args[2])
				ts.Check(err)
				header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (3,), }", args[1])
				header += strings.Repeat(" ", 117-len(header)) + "\n"
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), append([]byte("\x93NUMPY\x01\x00v\x00"+header), data...), 0o666))
			},
			// logits FILE DTYPE SHAPE NUMBER… writes numbers as a NumPy file, as the tensor
			// "logits" of a safetensors file, or raw. The shape is that of Python.
			"logits": func(ts *testscript.TestScript, neg bool, args []string) {
				file, d, shape := args[0], spec.DType(args[1]), args[2]
				var numbers []float64
				for _, a := range args[3:] {
					x, err := strconv.ParseFloat(a, 64)
					ts.Check(err)
					numbers = append(numbers, x)
				}
				data, err := packed(d, binary.LittleEndian, numbers)
				ts.Check(err)
				switch filepath.Ext(file) {
				case ".npy":
					data = npyFile(map[spec.DType]string{spec.F64: "<f8", spec.F32: "<f4", spec.F16: "<f2", spec.U8: "|u1"}[d], shape, data)
				case ".safetensors":
					data = safetensorsFile(fmt.Sprintf(`{"logits":{"dtype":%q,"shape":[%s],"data_offsets":[0,%d]}}`, strings.ToUpper(string(d)), strings.Trim(shape, "()"), len(data)), data)
				}
				ts.Check(os.WriteFile(ts.MkAbs(file), data, 0o666))
			},
			// fortran FILE writes a NumPy file of two rows in Fortran order.
			"fortran": func(ts *testscript.TestScript, neg bool, args []string) {
				file := bytes.Replace(npyFile("<f4", "(2, 2)", make([]byte, 16)), []byte("False"), []byte("True"), 1)
				file = bytes.Replace(file, []byte(" \n"), []byte("  \n"), 1)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), file, 0o666))
			},
			// tensors FILE HEADER BYTES writes a safetensors file.
			"tensors": func(ts *testscript.TestScript, neg bool, args []string) {
				data, err := hex.DecodeString(args[2])
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), safetensorsFile(args[1], data), 0o666))
			},
			// bytes FILE HEX writes raw bytes.
			"bytes": func(ts *testscript.TestScript, neg bool, args []string) {
				data, err := hex.DecodeString(args[1])
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o666))
			},
			// benchmarks FILE COUNT SAMPLES SEED [SLOW RATIO [NOISE]] writes benchmarks N/case=1 …,
			// of which one takes so many times as long, with 1 % of noise if nothing is said.
			"benchmarks": func(ts *testscript.TestScript, neg bool, args []string) {
				number := func(i int, absent float64) float64 {
					if i >= len(args) {
						return absent
					}
					x, err := strconv.ParseFloat(args[i], 64)
					ts.Check(err)
					return x
				}
				r := rand.New(rand.NewPCG(uint64(number(3, 0)), 0))
				var b strings.Builder
				b.WriteString("goos: linux\npkg: example\n")
				for range int(number(2, 0)) {
					for c := 1; c <= int(number(1, 0)); c++ {
						ns := 100 * float64(c) * math.Exp(number(6, 0.01)*r.NormFloat64())
						if c == int(number(4, 0)) {
							ns *= number(5, 1)
						}
						fmt.Fprintf(&b, "BenchmarkN/case=%d-8 \t %d \t %.5g ns/op\n", c, 1000000, ns)
					}
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()+"PASS\n"), 0o666))
			},
			// lines N demands that the last command said N lines on stderr.
			"lines": func(ts *testscript.TestScript, neg bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				if got := bytes.Count([]byte(ts.ReadFile("stderr")), []byte("\n")); got != want {
					ts.Fatalf("%d lines on stderr, want %d", got, want)
				}
			},
		},
	})
}
