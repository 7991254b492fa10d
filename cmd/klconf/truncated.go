package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"klconf/impl"
	"klconf/spec"
)

// truncatedFlags are those of kl --top-logprobs.
type truncatedFlags struct {
	wanted     bool
	vocabulary int
	floor      float64
}

// longestRow is how long a line of truncated rows may be.
const longestRow = 64 << 20

// run prints bounds of KL of rows of which only some log-probabilities are known.
func (f truncatedFlags) run(cmd *cobra.Command, files []string) error {
	if f.vocabulary <= 0 {
		return errors.New("--top-logprobs needs --vocabulary N, the number of tokens of the models, such as 49152")
	}
	tokens := tokenNumbers{}
	var rows [2][]impl.Truncated
	for i, file := range files {
		in := cmd.InOrStdin()
		if file != "-" {
			opened, err := os.Open(file)
			if err != nil {
				return fileError(err)
			}
			defer opened.Close()
			in = opened
		}
		var err error
		if rows[i], err = tokens.rows(in); err != nil {
			return fmt.Errorf("%s: %w", shown(file), err)
		}
	}
	p, q := rows[0], rows[1]
	if len(p) != len(q) {
		return fmt.Errorf("%s has %d rows and %s has %d; both need the same number", shown(files[0]), len(p), shown(files[1]), len(q))
	}
	var lo, hi, sizeLo, sizeHi float64
	for i := range p {
		l, h, err := impl.KLTruncated(p[i], q[i], f.vocabulary, f.floor)
		if err != nil {
			return fmt.Errorf("row %d: %s", i+1, strings.TrimPrefix(err.Error(), "impl: "))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "[%s, %s]\n", spec.Decimal(l), spec.Decimal(h))
		lo, hi, sizeLo, sizeHi = lo+l, hi+h, sizeLo+math.Abs(l), sizeHi+math.Abs(h)
	}
	if n := float64(len(p)); n > 1 {
		// A sum of n numbers errs by less than n·2^-53 of the sum of their sizes.
		fmt.Fprintf(cmd.OutOrStdout(), "mean of %v rows: [%s, %s]\n", n, spec.Decimal(lo/n-sizeLo*0x1p-52), spec.Decimal(hi/n+sizeHi*0x1p-52))
	}
	return nil
}

// tokenNumbers numbers tokens by their names, for P and Q alike.
type tokenNumbers map[string]int

// rows reads one row a line: as top_logprobs and prompt_logprobs of serving APIs are written.
func (t tokenNumbers) rows(r io.Reader) (rows []impl.Truncated, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestRow)
	number := 0
	for lines.Scan() {
		number++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		row, err := t.row(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", number+1, err)
	}
	if len(rows) == 0 {
		return nil, errors.New("there is no row in it")
	}
	return rows, nil
}

var errTruncatedForm = errors.New(`a row is {"top_logprobs":[{"token":"a","logprob":-0.1},…]}, that array alone, or an object {"a":-0.1,…} or {"17":{"logprob":-0.1},…}`)

func (t tokenNumbers) row(line []byte) (impl.Truncated, error) {
	type listed struct {
		Token   *string  `json:"token"`
		Logprob *float64 `json:"logprob"`
	}
	var list []listed
	if line[0] == '{' {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(line, &fields); err != nil {
			return nil, errTruncatedForm
		}
		if top, ok := fields["top_logprobs"]; ok {
			return t.row(top)
		}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			var x listed
			raw := fields[name]
			if json.Unmarshal(raw, &x.Logprob) != nil && json.Unmarshal(raw, &x) != nil {
				return nil, errTruncatedForm
			}
			x.Token = &name
			list = append(list, x)
		}
	} else if err := json.Unmarshal(line, &list); err != nil {
		return nil, errTruncatedForm
	}
	row := impl.Truncated{}
	for _, x := range list {
		if x.Token == nil || x.Logprob == nil {
			return nil, errTruncatedForm
		}
		n, ok := t[*x.Token]
		if !ok {
			n = len(t)
			t[*x.Token] = n
		}
		if _, twice := row[n]; twice {
			return nil, fmt.Errorf("token %q stands twice in it", *x.Token)
		}
		if !(*x.Logprob <= 0 && *x.Logprob >= -1<<20) {
			return nil, fmt.Errorf("the log-probability of token %q is %v; it is 0 at most, and a token of probability 0 is left out", *x.Token, *x.Logprob)
		}
		row[n] = *x.Logprob
	}
	return row, nil
}
