package main

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"klconf/spec"
)

// A header of 4 GiB that never comes costs little.
func TestAnAnnouncedHeaderIsNotTaken(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := parseNPY([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{"))
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}

// Whatever a file holds, reading it ends with one sentence or with numbers, which written as
// hexadecimal floats are read again unchanged.
func FuzzWeights(f *testing.F) {
	header := func(descr, shape string) string {
		h := "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }"
		return "\x93NUMPY\x01\x00v\x00" + h + strings.Repeat(" ", 117-len(h)) + "\n"
	}
	torn := strings.Replace(header("<f8", "(0,)"), "order': False", "order':  \n", 1)
	for _, s := range []struct{ name, data string }{
		{"p.npy", torn + "      "},
		{"p.npy", header("<f8", "(0,)")}, {"p.npy", header("<f8", "(1,)") + "\x00\x00\x00\x00\x00\x00\xf0\x3f"}, {"p.npy", header(">i4", "(1, 2)") + "\x00\x00\x00\x01\xff\xff\xff\xff"},
		{"p.npy", header("<f2", "(3,)") + "\x00"}, {"p.npy", header("|u1", "(9223372036854775807, 9223372036854775807)")}, {"p.npy", header("O", "(1,)")},
		{"p.npy", header("<f8", "()") + "\x00\x00\x00\x00\x00\x00\xf0\x3f"}, {"p.npy", header("|", "(1,)")}, {"p.npy", header("a\nb", "(1,)")}, {"p.npy", "\x93NUMPY\x01\x00\xff\xff{"},
		{"p.npy", "\x93NUMPY\x02\x00\xff\xff\xff\xff{"}, {"p.npy", header("<f4", "(-1,)")}, {"p.npy", "\x93NUMPY\x03\x00\xff\xff\xff\x7f{"},
		{"p.json", `[1, "0x1p-2", [3]]`}, {"p.json", `[0.1,"-0","1e-400"]`}, {"p.json", "[\"1\\n2\"]"}, {"p.json", `[null]`}, {"p.json", `[1`},
		{"p.csv", "1,2\n3 4\n"}, {"p.csv", "1,,2\n"}, {"p.txt", "\ufeff0x1p-1074\r\n1_000\n"}, {"p.csv", "1e400\n"}, {"p.csv", "1" + strings.Repeat("0", 400)}, {"p.csv", "nan inf -Infinity\n"},
		{"-", "0.5"}, {"-", "\x00\x01"}, {"-", " [0.5]"},
	} {
		f.Add(s.name, []byte(s.data))
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		for _, dtype := range append([]spec.DType{"", "f99"}, spec.DTypes...) {
			var x []float64
			var err error
			if dtype == "" {
				x, err = parserOf(name, data)(data)
			} else {
				x, err = parseRaw(data, dtype, binary.LittleEndian)
			}
			if err != nil {
				if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r") {
					t.Errorf("not one sentence: %q", s)
				}
				continue
			}
			if len(x) > len(data) {
				t.Errorf("%d numbers in %d bytes", len(x), len(data))
			}
			words := make([]string, len(x))
			for i, v := range x {
				words[i] = strconv.FormatFloat(v, 'x', -1, 64)
			}
			quoted, err := json.Marshal(words)
			if err != nil {
				t.Fatal(err)
			}
			for _, again := range []func() ([]float64, error){
				func() ([]float64, error) { return parseText([]byte(strings.Join(words, "\n"))) },
				func() ([]float64, error) { return parseJSON(quoted) },
			} {
				y, err := again()
				if err != nil || len(y) != len(x) {
					t.Fatalf("%v became %v: %v", x, y, err)
				}
				for i := range x {
					if math.Float64bits(x[i]) != math.Float64bits(y[i]) && !(x[i] != x[i] && y[i] != y[i]) {
						t.Errorf("%x became %x", x[i], y[i])
					}
				}
			}
		}
	})
}
