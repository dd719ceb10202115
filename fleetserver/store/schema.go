package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// schemaVersion is the layout below. A file with another one is refused.
//
//	meta      schema -> version; run -> when the control plane last ran, as in seen
//	clusters  identity -> registry.Record as JSON
//	counters  fleet -> highest number drawn, 8 bytes big-endian
//	seen      identity -> last sign of life: RFC 3339, then a space and the
//	          on-time in microseconds, which files of the first releases lack
//	values    identity -> values at the last orderly stop, as the source encodes them
const schemaVersion = "1"

type bucketNames struct{ meta, clusters, counters, seen, values []byte }

func buckets() bucketNames {
	return bucketNames{[]byte("meta"), []byte("clusters"), []byte("counters"), []byte("seen"), []byte("values")}
}

func (b bucketNames) all() [][]byte {
	return [][]byte{b.meta, b.clusters, b.counters, b.seen, b.values}
}

func createBuckets(tx *bolt.Tx) error {
	for _, name := range buckets().all() {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return fmt.Errorf("creating bucket %s: %w", name, err)
		}
	}
	return tx.Bucket(buckets().meta).Put([]byte("schema"), []byte(schemaVersion))
}

// checkSchema refuses a database that is not ours, or of another version.
func checkSchema(tx *bolt.Tx, path string) error {
	names := buckets()
	bucket := tx.Bucket(names.meta)
	if bucket == nil {
		return &FileError{path, "is not an argus-fleet state database"}
	}
	if version := string(bucket.Get([]byte("schema"))); version != schemaVersion {
		return &FileError{path, fmt.Sprintf("has schema version %q, and this argus-fleet knows %q", version, schemaVersion)}
	}
	for _, name := range names.all() {
		if tx.Bucket(name) == nil {
			return &FileError{path, fmt.Sprintf("lacks its bucket %q", name)}
		}
	}
	return nil
}

func readState(tx *bolt.Tx, path string) (registry.State, error) {
	names := buckets()
	state := registry.State{LastSeen: map[string]registry.Sign{}, Counters: map[string]int{}}
	err := tx.Bucket(names.clusters).ForEach(func(identity, raw []byte) error {
		var record registry.Record
		if json.Unmarshal(raw, &record) != nil || record.Identity != string(identity) || !plausible(record.Numbers) {
			return &FileError{path, fmt.Sprintf("holds a cluster that cannot be read (%.64q)", identity)}
		}
		state.Records = append(state.Records, record)
		return nil
	})
	if err != nil {
		return state, err
	}
	err = tx.Bucket(names.counters).ForEach(func(fleet, raw []byte) error {
		if len(raw) != 8 || binary.BigEndian.Uint64(raw) > maxCounter {
			return &FileError{path, fmt.Sprintf("holds a counter that cannot be read (%.64q)", fleet)}
		}
		state.Counters[string(fleet)] = int(binary.BigEndian.Uint64(raw))
		return nil
	})
	if err != nil {
		return state, err
	}
	err = tx.Bucket(names.seen).ForEach(func(identity, raw []byte) error {
		// A time that cannot be read costs nothing: the registration's stands in.
		if sign, err := parseSign(raw); err == nil {
			state.LastSeen[string(identity)] = sign
		}
		return nil
	})
	state.LastRun, _ = parseSign(tx.Bucket(names.meta).Get([]byte("run")))
	return state, err
}

// plausible refuses numbers that were never drawn, before they raise a counter.
func plausible(numbers map[string]int) bool {
	for _, number := range numbers {
		if number < 1 || number > maxCounter {
			return false
		}
	}
	return true
}

// putState writes a whole state in key order, which fills the pages best.
func putState(tx *bolt.Tx, state registry.State) error {
	slices.SortFunc(state.Records, func(a, b registry.Record) int { return strings.Compare(a.Identity, b.Identity) })
	for _, r := range state.Records {
		if err := putRecord(tx, r); err != nil {
			return err
		}
		if last := state.LastSeen[r.Identity]; !last.At.IsZero() {
			if err := tx.Bucket(buckets().seen).Put([]byte(r.Identity), signText(last)); err != nil {
				return err
			}
		}
	}
	for _, fleet := range slices.Sorted(maps.Keys(state.Counters)) {
		if err := raiseCounter(tx, fleet, state.Counters[fleet]); err != nil {
			return err
		}
	}
	if state.LastRun.At.IsZero() {
		return nil
	}
	return putRun(tx, state.LastRun)
}

func putRun(tx *bolt.Tx, now registry.Sign) error {
	return tx.Bucket(buckets().meta).Put([]byte("run"), signText(now))
}

// putRecord writes a record. Of a retired identity nothing else is kept.
func putRecord(tx *bolt.Tx, record registry.Record) error {
	raw, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encoding a cluster: %w", err)
	}
	if record.Retired {
		if err := deleteLife(tx, record.Identity); err != nil {
			return err
		}
	}
	return tx.Bucket(buckets().clusters).Put([]byte(record.Identity), raw)
}

func deleteLife(tx *bolt.Tx, identity string) error {
	names := buckets()
	return errors.Join(tx.Bucket(names.seen).Delete([]byte(identity)), tx.Bucket(names.values).Delete([]byte(identity)))
}

// deleteRecord forgets an identity. Its numbers stay drawn: no counter may be
// below them once nothing else tells of them.
func deleteRecord(tx *bolt.Tx, identity string) error {
	clusters := tx.Bucket(buckets().clusters)
	var record registry.Record
	if raw := clusters.Get([]byte(identity)); raw != nil {
		if err := json.Unmarshal(raw, &record); err != nil {
			return fmt.Errorf("decoding a cluster: %w", err)
		}
	}
	for _, fleet := range slices.Sorted(maps.Keys(record.Numbers)) {
		if err := raiseCounter(tx, fleet, record.Numbers[fleet]); err != nil {
			return err
		}
	}
	return errors.Join(deleteLife(tx, identity), clusters.Delete([]byte(identity)))
}

// raiseCounter never lowers one: drafts are committed in another order than drawn.
func raiseCounter(tx *bolt.Tx, fleet string, drawn int) error {
	bucket := tx.Bucket(buckets().counters)
	if raw := bucket.Get([]byte(fleet)); len(raw) == 8 && binary.BigEndian.Uint64(raw) >= uint64(drawn) {
		return nil
	}
	return bucket.Put([]byte(fleet), binary.BigEndian.AppendUint64(nil, uint64(drawn)))
}
