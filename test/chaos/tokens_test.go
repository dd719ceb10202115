package chaos

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// secretVolume is a directory as Kubernetes mounts a Secret: the files are
// links into ..data, which is a link to the directory of one revision, and
// which is replaced by a rename.
type secretVolume struct {
	t         *testing.T
	directory string
	revision  int
}

func newSecretVolume(t *testing.T, token string) *secretVolume {
	t.Helper()
	v := &secretVolume{t: t, directory: t.TempDir()}
	v.swap(token)
	if err := os.Symlink(filepath.Join("..data", "token"), v.file()); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *secretVolume) file() string { return filepath.Join(v.directory, "token") }

func (v *secretVolume) swap(token string) {
	v.t.Helper()
	v.revision++
	revision, data := fmt.Sprintf("..revision-%d", v.revision), filepath.Join(v.directory, "..data")
	former, _ := os.Readlink(data)
	err := errors.Join(
		os.Mkdir(filepath.Join(v.directory, revision), 0o700),
		os.WriteFile(filepath.Join(v.directory, revision, "token"), []byte(token+"\n"), 0o600),
		os.Symlink(revision, data+"_tmp"),
		os.Rename(data+"_tmp", data),
	)
	if err == nil && former != "" {
		err = os.RemoveAll(filepath.Join(v.directory, former))
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

// A rotation has three steps: old; new and old; new. Whoever changes over
// between the first and the last of them never meets a refusal.
func TestTokensAreSwappedUnderTrafficWithoutARefusal(t *testing.T) {
	t.Parallel()
	volume := newSecretVolume(t, "old")
	p := newPlane(t)
	for i, pair := range p.env {
		if pair == fleetapi.EnvFleetIngestToken+"="+ingestToken {
			p.env[i] = fleetapi.EnvFleetIngestToken + fleetapi.FileSuffix + "=" + volume.file()
		}
	}
	p.start()
	old := newClient(t, p.url, "old")
	renewed := old.as("new")
	lease := must(t, old, "a", "asia", "").Lease
	bots := keepBeating(t, old, "a", lease)
	volume.swap("new,old")
	pickedUp(t, renewed, lease, http.StatusNoContent)
	bots.changeOver(renewed)
	volume.swap("new")
	pickedUp(t, old, lease, http.StatusUnauthorized)
	if beats := bots.stop(); beats < 50 {
		t.Errorf("only %d heartbeats in all", beats)
	}
}

// pickedUp waits until a token has come to what a swap makes of it.
func pickedUp(t *testing.T, c *client, lease string, want int) {
	t.Helper()
	began := time.Now()
	eventually(t, func() string {
		status, err := c.beat("a", lease, 1)
		if err != nil || status != want {
			return fmt.Sprintf("token %s: %v, status %d, want %d", c.token, err, status, want)
		}
		return ""
	})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the swap was picked up after %s, want 10 s at most", took)
	}
}

// crowd beats from several places under one token, without a pause.
type crowd struct {
	changing sync.RWMutex // held for reading during a heartbeat
	client   *client
	ended    chan struct{}
	working  sync.WaitGroup
	beats    atomic.Int64
}

func keepBeating(t *testing.T, c *client, identity, lease string) *crowd {
	t.Helper()
	bots := &crowd{client: c, ended: make(chan struct{})}
	for range 4 {
		bots.working.Go(func() {
			for bots.beat(t, identity, lease) {
			}
		})
	}
	return bots
}

// beat reports whether to go on.
func (b *crowd) beat(t *testing.T, identity, lease string) bool {
	t.Helper()
	select {
	case <-b.ended:
		return false
	default:
	}
	b.changing.RLock()
	defer b.changing.RUnlock()
	if status, err := b.client.beat(identity, lease, 1); err != nil || status != http.StatusNoContent {
		t.Errorf("a heartbeat during the rotation: %v, status %d", err, status)
		return false
	}
	b.beats.Add(1)
	return true
}

// changeOver gives everybody another token and returns when nobody uses the
// former one any more.
func (b *crowd) changeOver(c *client) {
	b.changing.Lock()
	defer b.changing.Unlock()
	b.client = c
}

func (b *crowd) stop() int64 {
	close(b.ended)
	b.working.Wait()
	return b.beats.Load()
}
