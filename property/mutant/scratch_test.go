package mutant_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"klconf/conform"
	"klconf/property/mutant"
	"klconf/spec"
)

func TestScratch(t *testing.T) {
	re := regexp.MustCompile(os.Getenv("M"))
	for _, m := range mutant.Faults() {
		if !re.MatchString(m.Name) || m.Full {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			st := time.Now()
			rep, err := conform.Run(t.Context(), conform.Target{ID: m.Name, Impl: m.New()}, conform.Options{Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			k := map[string]int{}
			var ids []string
			for _, r := range rep.Results {
				if r.Status.Red() {
					for _, q := range r.Requirements {
						if x, _ := spec.Lookup(q); x.Force == spec.Must {
							k[q]++
						}
					}
					ids = append(ids, r.ID)
				}
			}
			flag := "ok"
			if k[m.Killer] == 0 {
				flag = "MISS"
			}
			var l []string
			for q := range k {
				l = append(l, q)
			}
			slices.Sort(l)
			fmt.Printf("%s %s want %s: %s %d red %v %.1fs %v\n", flag, m.Name, m.Killer, rep.Verdict, len(ids), l, time.Since(st).Seconds(), ids[:min(3, len(ids))])
		})
	}
}

func TestScratchVariants(t *testing.T) {
	re := regexp.MustCompile(os.Getenv("M"))
	for _, v := range mutant.Variants() {
		if !re.MatchString(v.Name) {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			for _, declared := range []bool{true, false} {
				st := time.Now()
				rep, err := conform.Run(t.Context(), conform.Target{ID: v.Name, Impl: v.New(declared)}, conform.Options{Seed: 1})
				if err != nil {
					t.Fatal(err)
				}
				var ids, notes []string
				for _, r := range rep.Results {
					if r.Status.Red() {
						ids = append(ids, r.ID+" "+r.Message)
					}
					if len(r.ID) > 7 && r.ID[:7] == "detect/" && r.Status == spec.Note {
						notes = append(notes, r.ID[7:])
					}
				}
				want := spec.Conforming
				if !declared && len(v.Differs()) > 0 {
					want = spec.Undeclared
				}
				flag := "ok"
				if rep.Verdict != want || len(ids) > 0 || !declared && !slices.Equal(notes, v.Differs()) {
					flag = "MISS"
				}
				fmt.Printf("%s V %s %v: %s want %s level %s, red %d, %v want %v %.1fs %v %v\n", flag, v.Name, declared, rep.Verdict, want, rep.Level, len(ids), notes, v.Differs(), time.Since(st).Seconds(), ids[:min(2, len(ids))], rep.Findings)
			}
		})
	}
}
