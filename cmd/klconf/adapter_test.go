package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"klconf/golden"
	"klconf/impl"
	"klconf/spec"
	"klconf/spec/klap"
)

// adapterMain is an adapter with the fault that its first argument names. It
// is started by the scripts as the command adapter.
func adapterMain() {
	fault := ""
	if len(os.Args) > 1 {
		fault = os.Args[1]
	}
	if raw, ok := rawAdapters[fault]; ok {
		raw()
		return
	}
	if err := klap.Serve(os.Stdin, os.Stdout, &faulty{fault: fault}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if fault == "exits-2" {
		os.Exit(2)
	}
}

// A faulty implementation is the reference in float64, unless the fault says
// otherwise.
type faulty struct {
	fault string
	asked int
}

func (f *faulty) Describe() spec.Description {
	yes, no := true, false
	d := spec.Description{Name: "faulty", Version: "1.0", Ops: []spec.Op{"kl"}, DTypes: []spec.DType{spec.F64}, Deterministic: &yes}
	switch f.fault {
	case "bits", "clip", "swapped":
	case "declared-bits":
		d.Convention = &spec.Convention{Complete: true, Base: "2"}
	default:
		d.Convention = &spec.Convention{Complete: true, Generalised: &no}
	}
	if f.fault == "no-version" {
		d.Version = ""
	}
	return d
}

func (f *faulty) Answer(_ context.Context, r spec.Request) spec.Answer {
	if r.Op != "kl" {
		return spec.Answer{Status: spec.Unsupported, Message: "only kl"}
	}
	if o := r.Options; o.Base != "" || o.ResultDType != "" || o.Reduction != "" || o.Grad != "" {
		return spec.Answer{Status: spec.Unsupported, Message: "no options"}
	}
	if len(r.Arrays) != 2 {
		return spec.Answer{Status: spec.Errored, Message: "two arrays are needed"}
	}
	if r.Arrays[0].Len() != r.Arrays[1].Len() {
		if f.fault == "error-on-length" {
			return spec.Answer{Status: spec.Errored, Message: "ValueError: operands could not be broadcast"}
		}
		return spec.Answer{Status: spec.Rejected, Kind: spec.KindLength, Message: "different lengths"}
	}
	f.asked++
	p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
	switch f.fault {
	case "dies-on-third":
		if f.asked == 3 {
			fmt.Fprintln(os.Stderr, "Segmentation fault (simulated)")
			os.Exit(7)
		}
	case "dies-on-one":
		if theOne(r) {
			os.Exit(9)
		}
	case "dies-on-zero", "hangs-on-zero", "prints-on-zero":
		for i := range p {
			if p[i] > 0 && q[i] == 0 {
				switch f.fault {
				case "dies-on-zero":
					panicOut("zero in q")
				case "hangs-on-zero":
					time.Sleep(time.Hour)
				default:
					fmt.Println("RuntimeWarning: divide by zero")
				}
			}
		}
	case "hangs":
		time.Sleep(time.Hour)
	case "slow":
		time.Sleep(2 * time.Millisecond)
		if f.asked == 200 {
			os.WriteFile("asked", nil, 0o666)
		}
	}
	v := impl.KL(p, q)
	switch f.fault {
	case "swapped":
		v = impl.KL(q, p)
	case "bits", "declared-bits":
		v /= math.Ln2
	case "clip":
		for i := range p {
			p[i], q[i] = min(max(p[i], 1e-7), 1), min(max(q[i], 1e-7), 1)
		}
		v = impl.KL(p, q)
	case "wrong-once":
		if theOne(r) {
			v = 1
		}
	case "shape":
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Float64s("result", []float64{v})}}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, math.Float64bits(v))}}
}

// theOne recognises the question of golden/lengths/n-33/f64.
func theOne(r spec.Request) bool {
	v, ok := golden.Lookup("golden/lengths/n-33/f64")
	if !ok {
		panic("the vector is gone")
	}
	one := v.Request()
	return bytes.Equal(one.Arrays[0].Data, r.Arrays[0].Data) && bytes.Equal(one.Arrays[1].Data, r.Arrays[1].Data)
}

// panicOut ends the process as an uncaught exception does.
func panicOut(why string) {
	fmt.Fprintln(os.Stderr, "panic:", why)
	os.Exit(2)
}

// rawAdapters do not speak through klap.
var rawAdapters = map[string]func(){
	"garbage": func() {
		fmt.Println("Loading model weights, please wait ...")
		bufio.NewReader(os.Stdin).ReadString('\n')
	},
	"dies-at-hello": func() {
		fmt.Fprintln(os.Stderr, "ModuleNotFoundError: No module named 'scipy'")
		os.Exit(1)
	},
	"deaf": func() { time.Sleep(time.Hour) },
	"half-a-line": func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		fmt.Print(`{"id":0,"status":"o`)
	},
	"old-protocol": func() {
		talk(func(m map[string]any) any { return reply{"id": m["id"], "status": "ok", "protocol": 7, "name": "old"} })
	},
	"wrong-ids": func() {
		talk(func(m map[string]any) any {
			if m["op"] == "hello" {
				return hello(m)
			}
			return reply{"id": m["id"].(float64) + 1, "status": "ok", "bufs": []any{reply{"dtype": "f64", "shape": []int{}, "hex": []string{"0000000000000000"}}}}
		})
	},
	"decimal": func() {
		talk(func(m map[string]any) any {
			if m["op"] == "hello" {
				return hello(m)
			}
			return reply{"id": m["id"], "status": "ok", "value": 0.25}
		})
	},
	"noisy": func() { // answers rightly, floods standard error
		go func() {
			for {
				fmt.Fprintln(os.Stderr, strings.Repeat("debug ", 1000))
			}
		}()
		klap.Serve(os.Stdin, os.Stdout, &faulty{})
	},
	"flushes": func() { // its echo loses subnormals
		talk(func(m map[string]any) any {
			switch m["op"] {
			case "hello":
				return hello(m)
			case "echo":
				for _, b := range m["bufs"].([]any) {
					buf := b.(map[string]any)
					data, _ := base64.StdEncoding.DecodeString(buf["b64"].(string))
					for word := range slices.Chunk(data, 8) {
						if v := binary.LittleEndian.Uint64(word); v<<1>>53 == 0 {
							binary.LittleEndian.PutUint64(word, v&(1<<63))
						}
					}
					buf["b64"] = base64.StdEncoding.EncodeToString(data)
				}
				return reply{"id": m["id"], "status": "ok", "bufs": m["bufs"]}
			}
			return reply{"id": m["id"], "status": "unsupported"}
		})
	},
	"stays": func() { // never ends
		klap.Serve(os.Stdin, os.Stdout, &faulty{})
		time.Sleep(time.Hour)
	},
}

type reply map[string]any

func hello(m map[string]any) any {
	return reply{"id": m["id"], "status": "ok", "protocol": 1, "name": "raw", "version": "1", "ops": []string{"kl"}, "dtypes": []string{"f64"},
		"encodings": []string{"b64", "hex"}}
}

// talk answers each line.
func talk(answer func(map[string]any) any) {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m map[string]any
		if json.Unmarshal(line, &m) != nil {
			os.Exit(1)
		}
		b, err := json.Marshal(answer(m))
		if err != nil {
			os.Exit(1)
		}
		fmt.Printf("%s\n", b)
	}
}
