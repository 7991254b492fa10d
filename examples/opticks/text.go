package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The text comes with Go: the fourth edition of Newton's Opticks, 1730, in the public domain.
const (
	textFile = "src/testdata/Isaac.Newton-Opticks.txt"
	textSum  = "d4a9ac22462b35e7821a4f2706c211093da678620a8f9997989ee7cf8d507bbd"
)

// errText is wrapped by the errors of opticks.
var errText = errors.New("the figures of this example are those of the text that Go 1.26 has; -text names another copy of it")

// opticks returns the text in the file, or, if no file is named, in the Go tree.
func opticks(file string) (string, error) {
	if file == "" {
		root, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			return "", fmt.Errorf("go env GOROOT says nothing of the text, which -text can name: %w", err)
		}
		file = filepath.Join(strings.TrimSpace(string(root)), filepath.FromSlash(textFile))
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no %s: %w", file, errText)
	}
	if err != nil {
		return "", err
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != textSum {
		return "", fmt.Errorf("%s has the SHA-256 %x, not %s: %w", file, sum, textSum, errText)
	}
	return string(b), nil
}

// leastTokens of a sentence; what is shorter is a heading or an abbreviation.
const leastTokens = 5

// sentences splits a text into sentences and those into tokens. A token is a longest run of
// the letters a to z, after lowering, or one of the marks . , ; : ? !, and a sentence ends
// after . ? or ! before a blank.
func sentences(text string) (all [][]string) {
	var sentence []string
	end := func() {
		if len(sentence) >= leastTokens {
			all = append(all, sentence)
		}
		sentence = nil
	}
	text = strings.ToLower(text)
	letter := func(c byte) bool { return 'a' <= c && c <= 'z' }
	for i := 0; i < len(text); {
		from := i
		for i < len(text) && letter(text[i]) {
			i++
		}
		if i > from {
			sentence = append(sentence, text[from:i])
			continue
		}
		if strings.IndexByte(".,;:?!", text[i]) >= 0 {
			sentence = append(sentence, text[i:i+1])
			if strings.IndexByte(".?!", text[i]) >= 0 && i+1 < len(text) && strings.IndexByte(" \t\r\n", text[i+1]) >= 0 {
				end()
			}
		}
		i++
	}
	end()
	return all
}

// split deals the sentences out, nine tenths to train with and one to hold out.
func split(all [][]string, seed uint64) (train, heldOut [][]string) {
	train = make([][]string, len(all))
	for i, j := range rand.New(rand.NewPCG(seed, 0)).Perm(len(all)) {
		train[i] = all[j]
	}
	n := len(all) * 9 / 10
	return train[:n], train[n:]
}
