package access

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

var errNoToken = errors.New("no token is configured")

// Surface is how the tokens of one surface are configured: the first secret
// that yields a token counts, and replaces those behind it.
type Surface struct {
	Name    string
	Secrets []Secret
}

// Tokens returns the tokens of the first secret that has any.
func (s Surface) Tokens() []string {
	for _, secret := range s.Secrets {
		if tokens := Split(secret.Value); len(tokens) > 0 {
			return tokens
		}
	}
	return nil
}

func (s Surface) files() []string {
	var files []string
	for _, secret := range s.Secrets {
		if secret.File != "" {
			files = append(files, secret.File)
		}
	}
	return files
}

// Keyring keeps the lists of all surfaces up to date with their files.
type Keyring struct {
	logger   *slog.Logger
	read     func(string) ([]byte, error)
	hooks    Hooks
	interval time.Duration // checkInterval but in tests
	// newWatcher fails where the machine has no more of them.
	newWatcher func() (*fsnotify.Watcher, error)
	surfaces   []Surface
	lists      map[string]*List

	mu      sync.Mutex
	trouble map[string]bool // by surface, so that a change is logged once
}

// Hooks are told what reloads do. They must not block, nor call the Keyring.
type Hooks struct {
	// Failed is called for each reload of a surface that yielded no token.
	Failed func()
	// Changed is called when a surface accepts other tokens than before.
	Changed func(surface string)
	// Name tells a token for those who must not see it.
	Name func(surface, token string) string
}

// NewKeyring returns the lists as configured. read reads a file; os.ReadFile if nil.
func NewKeyring(surfaces []Surface, logger *slog.Logger, read func(string) ([]byte, error), hooks Hooks) *Keyring {
	if read == nil {
		read = os.ReadFile
	}
	k := &Keyring{
		logger: logger, read: read, hooks: hooks, interval: checkInterval, newWatcher: fsnotify.NewWatcher, surfaces: surfaces,
		lists: map[string]*List{}, trouble: map[string]bool{},
	}
	for _, surface := range surfaces {
		name := func(token string) string { return hooks.Name(surface.Name, token) }
		k.lists[surface.Name] = NewList(surface.Name, surface.Tokens(), name)
	}
	return k
}

// List returns the list of a surface; an unknown surface has none.
func (k *Keyring) List(surface string) *List { return k.lists[surface] }

// Healthy reports that the last reload of every file worked.
func (k *Keyring) Healthy() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, trouble := range k.trouble {
		if trouble {
			return false
		}
	}
	return true
}

// Reload reads the files again. A surface whose files yield no token keeps its
// last list, and one that was open at the start stays open.
func (k *Keyring) Reload() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, surface := range k.surfaces {
		if len(surface.files()) == 0 || k.lists[surface.Name].Open() {
			continue
		}
		tokens, err := k.reread(surface)
		if err != nil {
			k.hooks.Failed()
			if !k.trouble[surface.Name] {
				k.logger.Error("token file yields no token, the last good list stays", "surface", surface.Name, "error", err)
			}
			k.trouble[surface.Name] = true
			continue
		}
		k.trouble[surface.Name] = false
		k.adopt(surface.Name, tokens)
	}
}

func (k *Keyring) adopt(surface string, tokens []string) {
	list := k.lists[surface]
	former := list.Uses()
	if slices.EqualFunc(former, tokens, func(use Use, token string) bool { return use.Token == token }) {
		return
	}
	list.set(tokens)
	k.logger.Info("tokens changed", "surface", surface, "accepted", len(tokens))
	k.hooks.Changed(surface)
}

// reread evaluates a surface as at the start, with the files' present content.
// A file that cannot be read must not let a secret behind it step in.
func (k *Keyring) reread(surface Surface) ([]string, error) {
	for _, secret := range surface.Secrets {
		content := secret.Value
		if secret.File != "" {
			raw, err := k.read(secret.File)
			if err != nil {
				return nil, err
			}
			content = string(raw)
		}
		if tokens := Split(content); len(tokens) > 0 {
			return tokens, nil
		}
		if secret.File != "" {
			return nil, fmt.Errorf("%s holds no token", secret.File)
		}
	}
	return nil, errNoToken
}
