package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// betweenLines is how long a log waits between two lines of progress.
const betweenLines = 5 * time.Second

// A progress adds up the checks of all implementations: a bar on a terminal,
// a line now and then in a log. The first line comes late enough that short
// work prints none.
type progress struct {
	mu          sync.Mutex
	w           io.Writer
	bar         *progressbar.ProgressBar // nil in a log
	done, total map[string]int
	said        time.Time
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, done: map[string]int{}, total: map[string]int{}, said: time.Now()}
	if _, ok := terminal(w); ok {
		p.bar = progressbar.NewOptions(1, progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish(), progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(true))
	}
	return p
}

// of returns where one implementation tells how far it is.
func (p *progress) of(id string) func(done, total int) {
	return func(done, total int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.done[id], p.total[id] = done, total
		sum, all := 0, 0
		var running []string
		for name := range p.total {
			sum, all = sum+p.done[name], all+p.total[name]
			if p.done[name] < p.total[name] {
				running = append(running, name)
			}
		}
		switch {
		case p.bar != nil:
			p.bar.ChangeMax(max(all, sum+1)) // finished by close alone
			p.bar.Describe(id)
			p.bar.Set(sum)
		case time.Since(p.said) >= betweenLines && len(running) > 0:
			p.said = time.Now()
			fmt.Fprintf(p.w, "klconf: %d of %d (%s)\n", sum, all, strings.Join(running, ", "))
		}
	}
}

// close removes the bar.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.Finish()
	}
}

// An announced writer writes a heading before the first text.
type announced struct {
	w       io.Writer
	heading string
}

func (a *announced) Write(b []byte) (int, error) {
	if a.heading != "" {
		if _, err := io.WriteString(a.w, a.heading); err != nil {
			return 0, err
		}
		a.heading = ""
	}
	return a.w.Write(b)
}
