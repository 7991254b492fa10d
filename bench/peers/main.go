// Command peers times our backends and what else there is for the Kullback-Leibler divergence,
// in the same rounds of the same processes, and prints the ratios:
//
//	make bench-peers                 # about two minutes
//	make bench-peers PEERS=-quick    # two sizes, a quarter of a minute
//
// The peers are gcc's vectorised loop over libmvec, NumKong's C kernels, a plain loop in C
// and in Go, and gonum. Each must give the value that it is known to give before it is
// timed. It needs gcc, and cargo to fetch NumKong's headers.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"klconf/bench/machine"
	"klconf/bench/peers/call"
	"klconf/bench/peers/numkong"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run() error {
	short := flag.Bool("quick", false, "measure two sizes, in fewer rounds")
	child := flag.Bool("measure", false, "measure in this process and write JSON, for the program itself")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; the flags are -quick", flag.Arg(0))
	}
	p := full
	if *short {
		p = quick
	}
	if *child {
		cells, err := p.measure()
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(cells)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var processes [][]cell
	for i := range p.processes {
		fmt.Fprintf(os.Stderr, "process %d of %d\n", i+1, p.processes)
		cmd := exec.Command(self, append(os.Args[1:], "-measure")...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("the process that measures: %w", err)
		}
		var cells []cell
		if err := json.Unmarshal(out.Bytes(), &cells); err != nil {
			return fmt.Errorf("the process that measures: %w", err)
		}
		processes = append(processes, cells)
	}
	fmt.Printf("%s, %s, NumKong %s\n\n", machine.Name(), call.Compiler(), numkong.Version())
	return write(os.Stdout, machine.Name(), processes)
}
