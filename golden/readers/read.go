//go:build ignore

// klconf export --format csv | go run read.go
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// kl is the function under test; ok false is a refusal.
func kl(p, q []float64) (s float64, ok bool) {
	if len(p) != len(q) {
		return 0, false
	}
	for i, a := range p {
		switch {
		case a > 0:
			s += a * math.Log(a/q[i])
		case !(a == 0 && q[i] >= 0):
			s = math.NaN()
		}
	}
	return s, true
}

func numbers(words, by string) (x []float64) {
	for _, w := range strings.FieldsFunc(words, func(r rune) bool { return strings.ContainsRune(by, r) }) {
		bits, err := strconv.ParseUint(w, 16, 64)
		if err != nil {
			panic(err)
		}
		x = append(x, math.Float64frombits(bits))
	}
	return x
}

func main() {
	right, total := 0, 0
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		f := strings.Split(lines.Text(), ",")
		x, answered := kl(numbers(f[3], " "), numbers(f[4], " "))
		ends := numbers(f[7], " :")
		ok := !answered && f[9] == "1" || answered && x != x && f[8] == "1"
		for i := 0; i < len(ends); i += 2 {
			ok = ok || answered && ends[i] <= x && x <= ends[i+1]
		}
		total++
		if ok {
			right++
		} else {
			fmt.Fprintln(os.Stderr, "wrong:", f[0])
		}
	}
	fmt.Printf("%d of %d right\n", right, total)
}
