// An adapter for klconf: replace this function kl by your own call.
//
// kl gets P and Q and returns D(P‖Q), or an error, which is a refusal. The rest is the protocol
// KLAP/1. Standard output belongs to it: os.Stdout is standard error.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
)

func kl(p, q []float64) (float64, error) { // what is graded
	sum, infinite, outside := 0.0, false, false
	for i := range p {
		if math.IsNaN(p[i]) || math.IsNaN(q[i]) {
			return math.NaN(), nil
		}
		outside = outside || p[i] < 0 || q[i] < 0 || math.IsInf(p[i], 0) || math.IsInf(q[i], 0)
		infinite = infinite || p[i] > 0 && q[i] == 0
		if p[i] > 0 {
			sum += p[i] * (math.Log(p[i]) - math.Log(q[i]))
		}
	}
	switch {
	case outside:
		return 0, errors.New("a weight is negative or infinite")
	case infinite:
		return math.Inf(1), nil
	}
	return sum, nil
}

type buffer struct {
	DType string   `json:"dtype"`
	Bytes *int     `json:"bytes"`
	B64   string   `json:"b64"`
	Hex   []string `json:"hex"`
}

// vector reads a buffer; one of another format is read and makes no sense.
func vector(b buffer, in io.Reader) ([]float64, error) {
	var x []float64
	for _, word := range b.Hex {
		bits, err := strconv.ParseUint(word, 16, 64)
		if err != nil {
			return nil, err
		}
		x = append(x, math.Float64frombits(bits))
	}
	data, err := base64.StdEncoding.DecodeString(b.B64)
	if b.Bytes != nil {
		data = make([]byte, *b.Bytes)
		_, err = io.ReadFull(in, data)
	}
	for ; len(data) >= 8; data = data[8:] {
		x = append(x, math.Float64frombits(binary.LittleEndian.Uint64(data)))
	}
	return x, err
}

type object = map[string]any

func answer(op string, options object, bufs []buffer, x [][]float64) (a object) {
	defer func() {
		if e := recover(); e != nil {
			a = object{"status": "error", "message": fmt.Sprint("panic: ", e)}
		}
	}()
	switch {
	case op == "hello":
		return object{"status": "ok", "protocol": 1, "name": "example", "version": "1", "language": "Go", "ops": []string{"kl"},
			"dtypes": []string{"f64"}, "encodings": []string{"frame", "b64", "hex"}, "deterministic": true}
	case op == "bye":
		return object{"status": "ok"}
	case op != "kl" || len(options) > 0 || len(bufs) != 2 || bufs[0].DType != "f64" || bufs[1].DType != "f64":
		return object{"status": "unsupported", "message": "only kl of two f64 vectors, without options"}
	case len(x[0]) != len(x[1]):
		return object{"status": "rejected", "kind": "length", "message": fmt.Sprintf("%d and %d elements", len(x[0]), len(x[1]))}
	}
	d, err := kl(x[0], x[1])
	if err != nil {
		return object{"status": "rejected", "kind": "domain", "message": err.Error()}
	}
	bits := fmt.Sprintf("%016x", math.Float64bits(d))
	return object{"status": "ok", "bufs": []object{{"name": "kl", "dtype": "f64", "shape": []int{}, "hex": []string{bits}}}}
}

func main() {
	out := os.Stdout
	os.Stdout = os.Stderr
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m struct {
			ID      json.RawMessage
			Op      string
			Options object
			Bufs    []buffer
		}
		if err := json.Unmarshal(line, &m); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var x [][]float64
		for _, b := range m.Bufs {
			v, err := vector(b, in)
			if err != nil && b.DType == "f64" {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			x = append(x, v)
		}
		a := answer(m.Op, m.Options, m.Bufs, x)
		a["id"] = m.ID
		text, _ := json.Marshal(a)
		out.Write(append(text, '\n'))
		if m.Op == "bye" {
			return
		}
	}
}
