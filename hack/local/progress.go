package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Progress shows a person what runs and for how long. It is also the writer that
// steps log to: each line gets the time since the start in front.
type Progress struct {
	mu      sync.Mutex
	w       io.Writer
	started time.Time
	partial []byte
}

// NewProgress starts counting now and shows on w.
func NewProgress(w io.Writer) *Progress {
	return &Progress{w: w, started: time.Now()}
}

// Step runs one step, and shows its beginning, every 15 seconds that it still
// runs, and how it ended.
func (p *Progress) Step(ctx context.Context, what string, do func(context.Context) error) error {
	began := time.Now()
	p.line(what + " ...")
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { p.watch(what, began, stop) })
	err := do(ctx)
	close(stop)
	watching.Wait()
	p.flush()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	p.line(fmt.Sprintf("%s: done in %s", what, since(began)))
	return nil
}

// watch says at intervals that a step is still running.
func (p *Progress) watch(what string, began time.Time, stop <-chan struct{}) {
	ticker := time.NewTicker(15 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			p.line(fmt.Sprintf("%s: still at it after %s", what, time.Since(began).Round(time.Second)))
		}
	}
}

func (p *Progress) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write("", text)
}

// flush shows what a step logged without ending its line.
func (p *Progress) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.partial) > 0 {
		p.write("  ", string(p.partial))
		p.partial = nil
	}
}

// write shows one line; the caller holds the lock.
func (p *Progress) write(indent, text string) {
	fmt.Fprintf(p.w, "[%6s] %s%s\n", time.Since(p.started).Round(time.Second), indent, text)
}

// Write shows the complete lines of what a step logs and keeps the rest for later.
func (p *Progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partial = append(p.partial, text...)
	for {
		end := bytes.IndexByte(p.partial, '\n')
		if end < 0 {
			return len(text), nil
		}
		p.write("  ", string(p.partial[:end]))
		p.partial = p.partial[end+1:]
	}
}
