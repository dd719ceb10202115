package store

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

const (
	// maxBatch bounds the writes of one transaction.
	maxBatch = 1000
	// faultRetry is how often a store that cannot write tries again by itself.
	faultRetry = time.Second
	// probeBytes is the room that ends a fault: what some dozens of registrations take.
	probeBytes = 256 << 10
)

var (
	// ErrUnavailable wraps a commit that failed and may succeed later, as on a full disk.
	ErrUnavailable = errors.New("state cannot be written")
	// ErrClosed is the result of a Write after Close.
	ErrClosed = errors.New("state file is closed")

	errBroken = errors.New("an earlier write failed for good")
)

// Write is one durable change, in one of three shapes: a record with the
// counter that it moved and the sign of life that it was, an identity to
// forget, or signs of life.
type Write struct {
	Put *registry.Record
	// Fleet's counter is raised to Drawn, if that is not 0.
	Fleet string
	Drawn int
	// Delete is an identity to forget.
	Delete string
	// Seen holds signs of life by identity, at most 1,000.
	Seen map[string]registry.Sign
	// Values holds encoded values by identity, at most 1,000.
	Values map[string][]byte
	// Run, if not zero, is the moment up to which all signs of life are saved.
	Run registry.Sign
	// Done is called once, from the writer: with nil when the change is on the
	// disk, else with an error wrapping ErrUnavailable or ErrClosed. It must not block.
	Done func(error)
}

// Submit queues a change. Changes are committed in the order of submission,
// as many together as are waiting.
func (s *Store) Submit(w Write) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		w.Done(ErrClosed)
		return
	}
	s.queue = append(s.queue, w)
	s.mu.Unlock()
	s.wake.Signal()
}

// SaveSeen writes the signs of life up to a moment, in key order and in
// transactions small enough not to keep registrations waiting. It returns the
// first error; the moment is kept only if there is none.
func (s *Store) SaveSeen(seen map[string]registry.Sign, until registry.Sign) error {
	for identities := range slices.Chunk(slices.Sorted(maps.Keys(seen)), maxBatch) {
		part := make(map[string]registry.Sign, len(identities))
		for _, identity := range identities {
			part[identity] = seen[identity]
		}
		if err := s.submitAndWait(Write{Seen: part}); err != nil {
			return err
		}
	}
	return s.submitAndWait(Write{Run: until})
}

func (s *Store) submitAndWait(w Write) error {
	result := make(chan error, 1)
	w.Done = func(err error) { result <- err }
	s.Submit(w)
	return <-result
}

// SaveValues writes values as they come, best in key order, until the deadline,
// after which what is left is not worth a slow stop. It returns how many it has
// written.
func (s *Store) SaveValues(values iter.Seq2[string, []byte], deadline time.Time) (written int, err error) {
	part := map[string][]byte{}
	flush := func() error {
		count := len(part)
		err := s.submitAndWait(Write{Values: part})
		if err == nil {
			written += count
		}
		part = map[string][]byte{}
		return err
	}
	for identity, raw := range values {
		if time.Now().After(deadline) {
			return written, nil
		}
		part[identity] = raw
		if len(part) < maxBatch {
			continue
		}
		if err := flush(); err != nil {
			return written, err
		}
	}
	if len(part) > 0 {
		err = flush()
	}
	return written, err
}

// Values reads what SaveValues has written.
func (s *Store) Values() (map[string][]byte, error) {
	values := map[string][]byte{}
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(buckets().values).ForEach(func(identity, raw []byte) error {
			values[string(identity)] = slices.Clone(raw)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading values: %w", err)
	}
	return values, nil
}

// Faulty reports that the last commit failed.
func (s *Store) Faulty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault != nil
}

// Fatal delivers an error after which only a restart knows what the disk
// holds: a failed flush, an I/O error, a panic in the writer.
func (s *Store) Fatal() <-chan error { return s.fatal }

// Close commits what is queued and closes the file.
func (s *Store) Close() error {
	s.closed.Do(func() {
		s.mu.Lock()
		s.closing = true
		s.mu.Unlock()
		s.wake.Signal()
		<-s.finished
		s.closeErr = s.db.Close()
	})
	return s.closeErr
}

// write is the writer: the only goroutine that changes the file.
func (s *Store) write() {
	defer close(s.finished)
	retry := time.AfterFunc(time.Hour, s.wake.Signal)
	defer retry.Stop()
	for {
		batch, more := s.next()
		err := s.attempt(batch)
		s.settle(batch, err)
		if !more {
			return
		}
		if err != nil {
			retry.Reset(faultRetry)
		}
	}
}

// next waits for work: queued writes, or nothing but the turn of a probe while
// there is a fault. It reports false for the last batch.
func (s *Store) next() (batch []Write, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 && !s.closing {
		s.wake.Wait()
	}
	n := min(len(s.queue), maxBatch)
	batch = s.queue[:n:n]
	s.queue = s.queue[n:]
	return batch, !s.closing || len(s.queue) > 0
}

// attempt commits a batch. A panic in bbolt is an error of the file.
func (s *Store) attempt(batch []Write) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("writing the state: %v", cause)
		}
	}()
	if s.broken {
		return errBroken
	}
	if s.options.BeforeCommit != nil {
		err = s.options.BeforeCommit()
	}
	started := time.Now()
	if err == nil && len(batch) == 0 && s.Faulty() {
		err = s.probe()
	}
	if err == nil {
		err = s.commitBatch(batch)
	}
	if s.options.Observe != nil {
		s.options.Observe(time.Since(started), err)
	}
	return err
}

// probe fails while the disk has no room for probeBytes. An empty commit does not
// tell: it finds its few pages inside of the file. So the probe is a file of its
// own, which a killed process leaves behind for no longer than a snapshot.
func (s *Store) probe() error {
	file, err := s.createAside()
	if err == nil {
		_, err = file.Write(make([]byte, probeBytes))
		err = errors.Join(err, file.Sync(), file.Close(), os.Remove(file.Name()))
	}
	if noRoom(err) {
		return fmt.Errorf("probing the disk: %w", unavailable(err))
	}
	return nil // whatever else is wrong with the disk, the commit that follows tells
}

func (s *Store) commitBatch(batch []Write) error {
	return s.commit(func(tx *bolt.Tx) error {
		for _, w := range batch {
			if err := apply(tx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func apply(tx *bolt.Tx, w Write) error {
	if w.Delete != "" {
		return deleteRecord(tx, w.Delete)
	}
	if w.Put != nil {
		if err := putRecord(tx, *w.Put); err != nil {
			return err
		}
	}
	if w.Drawn > 0 {
		if err := raiseCounter(tx, w.Fleet, w.Drawn); err != nil {
			return err
		}
	}
	for _, identity := range slices.Sorted(maps.Keys(w.Seen)) {
		if err := tx.Bucket(buckets().seen).Put([]byte(identity), signText(w.Seen[identity])); err != nil {
			return err
		}
	}
	for _, identity := range slices.Sorted(maps.Keys(w.Values)) {
		if err := tx.Bucket(buckets().values).Put([]byte(identity), w.Values[identity]); err != nil {
			return err
		}
	}
	if !w.Run.At.IsZero() {
		return putRun(tx, w.Run)
	}
	return nil
}

// settle tells everybody how the commit ended.
func (s *Store) settle(batch []Write, err error) {
	s.mu.Lock()
	s.fault = err
	s.mu.Unlock()
	if err != nil {
		if !retryable(err) && !s.broken {
			s.broken = true
			s.fatal <- fmt.Errorf("writing the state failed, a restart must read it again: %w", err)
		}
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for _, w := range batch {
		w.Done(err)
	}
}

// retryable reports what the system refused before anything reached the state
// file. A failed flush of it is never that: after it nobody knows what is there.
func retryable(err error) bool {
	if errors.Is(err, ErrUnavailable) || growthRefused(err) {
		return true // a probe touches nothing of the state
	}
	failed, ok := errors.AsType[*fs.PathError](err)
	return ok && failed.Op == "write" && noRoom(err)
}

// growthRefused reports that the disk has no room for a longer file, which bbolt
// makes before it writes anything. It passes on the text alone.
func growthRefused(err error) bool {
	cause, ok := strings.CutPrefix(err.Error(), "file resize error: ")
	return ok && slices.ContainsFunc(noRoomErrors(), func(e error) bool { return strings.HasSuffix(cause, ": "+e.Error()) })
}

// noRoom reports a disk that takes nothing more for now.
func noRoom(err error) bool {
	return slices.ContainsFunc(noRoomErrors(), func(e error) bool { return errors.Is(err, e) })
}

func noRoomErrors() []error { return []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} }
