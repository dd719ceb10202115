//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// glance is how often the node's processes are looked at: more often than a container
// can be replaced.
const glance = 50 * time.Millisecond

// running is one process of a bot on the node, as its environment tells.
type running struct {
	pid, identity, shards, count, commandLine string
}

// sighting is a process that was seen for the first time.
type sighting struct {
	running
	at time.Time
}

// node looks at the bots' processes for all tests at once.
var node = &nodeWatcher{watches: map[*nodeWatch]bool{}}

type nodeWatcher struct {
	mu      sync.Mutex
	watches map[*nodeWatch]bool
}

// watch looks until the context ends, and only while somebody wants to know.
func (n *nodeWatcher) watch(ctx context.Context) {
	known := map[string]running{} // by pid: a process keeps the environment that it started with
	for ; ctx.Err() == nil; time.Sleep(glance) {
		n.mu.Lock()
		if len(n.watches) > 0 {
			now := botProcesses(known)
			for watch := range n.watches {
				watch.see(now)
			}
		}
		n.mu.Unlock()
	}
}

// botProcesses lists the processes of bots, and forgets those that have ended.
func botProcesses(known map[string]running) []running {
	directories, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		panic(err) // the pattern is a good one
	}
	alive := map[string]bool{}
	var list []running
	for _, directory := range directories {
		commandLine, err := os.ReadFile(filepath.Join(directory, "cmdline"))
		if err != nil || !strings.HasPrefix(string(commandLine), "/argus-bot") {
			continue
		}
		pid := filepath.Base(directory)
		if _, seen := known[pid]; !seen {
			environment, _ := os.ReadFile(filepath.Join(directory, "environ"))
			known[pid] = runningOf(pid, string(commandLine), string(environment))
		}
		if alive[pid] = known[pid].identity != ""; alive[pid] {
			list = append(list, known[pid])
		}
	}
	for pid := range known {
		if !alive[pid] {
			delete(known, pid)
		}
	}
	return list
}

func runningOf(pid, commandLine, environment string) running {
	one := running{pid: pid, commandLine: strings.ReplaceAll(commandLine, "\x00", " ")}
	for variable := range strings.SplitSeq(environment, "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		switch name {
		case "ARGUS_CLUSTER_ID":
			one.identity = value
		case "SHARD_IDS":
			one.shards = value
		case "SHARD_COUNT":
			one.count = value
		}
	}
	return one
}

// nodeWatch notes what runs of one bot, and what must never be: two processes of one
// cluster, of one shard, or of two shard layouts.
type nodeWatch struct {
	bot string

	mu     sync.Mutex
	now    []running
	starts []sighting
	fewest int // clusters that ran at a time, since last asked
	broken string
}

// watchNode watches a bot until the test ends, and fails it if something was seen that
// must not be.
func watchNode(t *testing.T, bot string) *nodeWatch {
	t.Helper()
	w := &nodeWatch{bot: bot}
	node.mu.Lock()
	defer node.mu.Unlock()
	node.watches[w] = true
	t.Cleanup(func() {
		node.mu.Lock()
		defer node.mu.Unlock()
		delete(node.watches, w)
		if w.broken != "" {
			t.Error(w.broken)
		}
		if len(w.starts) == 0 {
			t.Errorf("no process of %s was ever seen, so this test saw nothing", bot)
		}
	})
	return w
}

func (w *nodeWatch) see(processes []running) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := slices.DeleteFunc(slices.Clone(processes), func(p running) bool {
		return p.identity[:max(strings.LastIndex(p.identity, "-"), 0)] != w.bot
	})
	holders := map[string]running{}
	claim := func(what string, p running) {
		if other, taken := holders[what]; taken && w.broken == "" {
			w.broken = fmt.Sprintf("%s runs twice: in process %s of %s and in %s of %s", what, other.pid, other.identity, p.pid, p.identity)
		}
		holders[what] = p
	}
	for _, p := range now {
		claim("cluster "+p.identity, p)
		for id := range strings.SplitSeq(p.shards, ",") {
			claim("shard "+id, p)
		}
		if p.count != now[0].count && w.broken == "" {
			w.broken = fmt.Sprintf("layouts of %s and of %s shards run at a time", p.count, now[0].count)
		}
		if !slices.ContainsFunc(w.now, func(before running) bool { return before.pid == p.pid }) {
			w.starts = append(w.starts, sighting{p, time.Now()})
		}
	}
	w.now, w.fewest = now, min(w.fewest, len(now))
}

// processes that run now, by identity.
func (w *nodeWatch) processes() map[string]running {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := map[string]running{}
	for _, p := range w.now {
		found[p.identity] = p
	}
	return found
}

// seen are the starts so far.
func (w *nodeWatch) seen() []sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.starts)
}

// least is how few clusters ran at any time since it was last asked.
func (w *nodeWatch) least() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	least := w.fewest
	w.fewest = len(w.now)
	return least
}

// sessions is how many gateway sessions the starts that were seen have opened.
func (w *nodeWatch) sessions() int {
	total := 0
	for _, start := range w.seen() {
		total += len(strings.Split(start.shards, ","))
	}
	return total
}

// identitiesOf lists who started, in order.
func identitiesOf(starts []sighting) []string {
	var list []string
	for _, start := range starts {
		list = append(list, start.identity)
	}
	return list
}
