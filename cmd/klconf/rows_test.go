package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"klconf/spec"
)

// bitsOf returns the bits of a number that a format has.
func bitsOf(d spec.DType, x float64) (uint64, error) {
	switch d {
	case spec.F64:
		return math.Float64bits(x), nil
	case spec.F32:
		return uint64(math.Float32bits(float32(x))), nil
	case spec.U8:
		return uint64(x), nil
	}
	for b := range uint64(1) << (8 * d.Size()) {
		if v := d.Widen(b); v == x || v != v && x != x {
			return b, nil
		}
	}
	return 0, fmt.Errorf("%s has no %v", d, x)
}

// packed returns numbers as they are stored.
func packed(d spec.DType, order binary.ByteOrder, numbers []float64) ([]byte, error) {
	var data []byte
	for _, x := range numbers {
		bits, err := bitsOf(d, x)
		if err != nil {
			return nil, err
		}
		var word [8]byte
		switch d.Size() {
		case 8:
			order.PutUint64(word[:], bits)
		case 4:
			order.PutUint32(word[:], uint32(bits))
		case 2:
			order.PutUint16(word[:], uint16(bits))
		default:
			word[0] = byte(bits)
		}
		data = append(data, word[:d.Size()]...)
	}
	return data, nil
}

// npyFile returns a NumPy file.
func npyFile(descr, shape string, data []byte) []byte {
	h := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	return append([]byte("\x93NUMPY\x01\x00v\x00"+h+strings.Repeat(" ", max(0, 117-len(h)))+"\n"), data...)
}

// safetensorsFile returns a safetensors file.
func safetensorsFile(header string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// Every format in every kind of file gives the numbers that are stored.
func TestRowFiles(t *testing.T) {
	folder := t.TempDir()
	numbers := []float64{1, -2, 0.5, math.Inf(-1), 448, 0, 0.015625, -448}
	descr := map[spec.DType]string{spec.F64: "f8", spec.F32: "f4", spec.F16: "f2"}
	names := map[spec.DType]string{spec.F64: "F64", spec.F32: "F32", spec.F16: "F16", spec.BF16: "BF16", spec.F8E4M3: "F8_E4M3", spec.F8E5M2: "F8_E5M2"}
	for d, name := range names {
		x := append([]float64(nil), numbers...)
		if d == spec.F8E4M3 {
			x[3] = 2 // it has no infinity
		}
		if d == spec.F8E5M2 {
			x[4], x[7] = 512, -512 // it has two bits of fraction
		}
		open := func(kind string, file []byte, f rowFormat) {
			t.Helper()
			path := filepath.Join(folder, "rows"+kind)
			if err := os.WriteFile(path, file, 0o666); err != nil {
				t.Fatal(err)
			}
			for _, from := range []string{path, "-"} {
				if from == "-" && f.dtype == "" && kind != ".npy" {
					continue // standard input has no name that tells a safetensors file
				}
				s, err := openRows(from, f, bytes.NewReader(file))
				if err != nil {
					t.Errorf("%s %s: %v", d, kind, err)
					return
				}
				defer s.close()
				row := make([]float64, 4)
				for i := range 2 {
					if err := readRow(s, row); err != nil {
						t.Fatalf("%s %s: %v", d, kind, err)
					}
					for k, v := range row {
						if v != x[4*i+k] {
							t.Errorf("%s %s: row %d is %v", d, kind, i, row)
							break
						}
					}
				}
				if err := readRow(s, row); err != io.EOF {
					t.Errorf("%s %s: %v after the last", d, kind, err)
				}
			}
		}
		little, err := packed(d, binary.LittleEndian, x)
		if err != nil {
			t.Fatal(err)
		}
		open(".bin", little, rowFormat{dtype: d, columns: 4})
		open(".safetensors", safetensorsFile(fmt.Sprintf(`{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":%q,"shape":[1,2,4],"data_offsets":[3,%d]}}`, name, 3+len(little)), append([]byte("abc"), little...)), rowFormat{tensor: "b"})
		if descr[d] != "" {
			big, err := packed(d, binary.BigEndian, x)
			if err != nil {
				t.Fatal(err)
			}
			open(".npy", npyFile("<"+descr[d], "(2, 4)", little), rowFormat{})
			open(".npy", npyFile(">"+descr[d], "(1, 2, 4)", big), rowFormat{})
		}
	}
}

// TestRowsMemory gives the command files of 20 MB each. All that it asks of the allocator, and
// so what it holds at any time, is less than the two files, which therefore are not in
// memory.
func TestRowsMemory(t *testing.T) {
	const rows, n = 5000, 1024
	folder := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 4*rows*n)
	for i := range rows * n {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(float32(r.NormFloat64())))
	}
	var files []string
	for _, name := range []string{"p.npy", "q.npy"} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, npyFile("<f4", fmt.Sprintf("(%d, %d)", rows, n), data), 0o666); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
		data[5] ^= 1
	}
	var before, after runtime.MemStats
	var out, errs strings.Builder
	runtime.ReadMemStats(&before)
	if s := execute([]string{"kl", "--logits", files[0], files[1]}, nil, &out, &errs); s != conforming {
		t.Fatal(errs.String())
	}
	runtime.ReadMemStats(&after)
	const bound = 32<<20 + 16*rows
	if 2*len(data) <= bound {
		t.Fatal("the files are too small to tell")
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > bound {
		t.Errorf("%d bytes were allocated, more than %d", took, bound)
	}
	if !strings.Contains(out.String(), "5000 rows of 1024") {
		t.Error(out.String())
	}
}

// Whatever a safetensors file holds, reading its header ends with one sentence or with
// tensors that lie inside the file, and costs no more memory than the file has.
func FuzzSafetensors(f *testing.F) {
	for _, header := range []string{
		`{}`, `{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}`, `{"a":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]},"__metadata__":{"format":"pt"}}`,
		`{"a":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,8]}}`, `{"a":{"dtype":"F32","shape":[-1],"data_offsets":[8,0]}}`,
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}`, `{"a":{"dtype":"X","shape":[],"data_offsets":[0,8]}}`, `{"a":null}`, `{"a":1}`, `null`, `[`,
		`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   `, `{"a":{"dtype":"F32","shape":[1]}}`,
	} {
		f.Add(safetensorsFile(header, make([]byte, 8)))
	}
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"))
	f.Add([]byte{1, 2})
	f.Add([]byte("\x00\xe1\xf5\x05\x00\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, size := range []int64{int64(len(data)), -1} {
			list, begin, err := readSafetensors(bytes.NewReader(data), size)
			if err != nil {
				if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r") {
					t.Errorf("not one sentence: %q", s)
				}
				continue
			}
			for name, x := range list {
				if size >= 0 && uint64(begin)+x.Offsets[1] > uint64(size) {
					t.Errorf("%q ends behind the file: %v", name, x)
				}
				y, err := pick(list, name)
				if err != nil {
					if strings.ContainsAny(err.Error(), "\n\r") {
						t.Errorf("not one sentence: %q", err)
					}
					continue
				}
				n := uint64(1)
				for _, d := range y.Shape {
					n *= uint64(d)
				}
				if n*uint64(safetensorsFormats[y.DType].Size()) != y.Offsets[1]-y.Offsets[0] {
					t.Errorf("%q does not fit its place: %v", name, y)
				}
			}
		}
	})
}

// A header that announces 100 MB and does not come costs little.
func TestAnAnnouncedTensorHeaderIsNotTaken(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := readSafetensors(strings.NewReader("\x00\xe1\xf5\x05\x00\x00\x00\x00{}"), -1)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}
