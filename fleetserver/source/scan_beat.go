package source

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// beatScan is the heartbeat's shape on top of a scanner. Every visitor refuses
// a key that it has seen before, because the last one would count. It serves one
// body after the other.
type beatScan struct {
	scanner
	// The visitors, made values once.
	onTop, onSnapshotField, onFamily, onFamilyField, onSampleField, onLabel func(key []byte, depth int) bool
	onSample                                                                func(depth int) bool
	// prefix ends in an underscore, which namespace lacks.
	namespace, prefix string
	beatState
}

// beatState is what is known of the present body.
type beatState struct {
	wanted Wanted
	beat   Heartbeat

	hasIdentity, hasLease, hasSnapshot, hasMetrics bool
	reading                                        *Reading
	// deferred is where the snapshot is that came before its sender; 0 for none.
	deferred int
	// contributed are the families that brought something, and more is all of
	// them as well, once they are more than usual: a list is slow to search then.
	contributed [][]byte
	more        map[string]bool

	hasSamples bool
	added      bool
	sample     sampleScan
	quick      quick
	label      []byte // the value of the label that is looked for
	labelName  string
	hasLabel   bool
}

// usualFamilies is room for those of argus-dpy that matter.
const usualFamilies = 32

func newBeatScan() *beatScan {
	b := &beatScan{}
	b.onTop, b.onSnapshotField, b.onFamily, b.onFamilyField = b.top, b.snapshotField, b.family, b.familyField
	b.onSample, b.onSampleField, b.onLabel = b.sampleElement, b.sampleField, b.labelField
	b.contributed = make([][]byte, 0, usualFamilies)
	return b
}

// begin forgets the body before.
func (b *beatScan) begin(body []byte, namespace string, wanted Wanted) {
	b.scanner.begin(body)
	if b.namespace != namespace {
		b.namespace, b.prefix = namespace, namespace+"_"
	}
	b.beatState = beatState{wanted: wanted, contributed: b.contributed[:0]}
}

// heartbeat reads a heartbeat, and reports false when it is not sure.
func (b *beatScan) heartbeat(body []byte, namespace string, wanted Wanted) (Heartbeat, bool) {
	b.begin(body, namespace, wanted)
	if !b.plain && !utf8.Valid(body) {
		return Heartbeat{}, false
	}
	b.space()
	if !b.members(0, b.onTop) {
		return Heartbeat{}, false
	}
	b.space()
	ok := b.pos == len(body) && b.deferredSnapshot() // which completes the beat
	return b.beat, ok
}

// sampleScan is one sample as far as it was read.
type sampleScan struct{ name, labels, value []byte }

// once refuses what was seen before.
func once(seen *bool) bool {
	first := !*seen
	*seen = true
	return first
}

func (b *beatScan) top(key []byte, depth int) bool {
	switch string(key) {
	case "identity":
		return once(&b.hasIdentity) && b.textField(depth, &b.beat.Identity)
	case "lease":
		return once(&b.hasLease) && b.textField(depth, &b.beat.Lease)
	case "snapshot":
		if b.wanted != nil && !(b.hasIdentity && b.hasLease) {
			b.deferred = b.pos
			return once(&b.hasSnapshot) && b.skip(depth)
		}
		return once(&b.hasSnapshot) && b.snapshot(depth)
	}
	return b.skip(depth)
}

// deferredSnapshot decodes the snapshot that came before its sender.
func (b *beatScan) deferredSnapshot() bool {
	if b.deferred == 0 {
		return true
	}
	b.pos = b.deferred
	return b.snapshot(1)
}

func (b *beatScan) textField(depth int, into *string) bool {
	raw, ok := b.value(depth)
	if !ok || pythonLiteral(raw) {
		return false // not a text that anybody sends
	}
	*into = Text(raw)
	return true
}

func (b *beatScan) snapshot(depth int) bool {
	if b.peek() != '{' || !b.wanted.of(b.beat) {
		return b.skip(depth)
	}
	b.reading = newReading()
	if !b.members(depth, b.onSnapshotField) {
		return false
	}
	b.beat.Reading = b.reading.finish()
	return true
}

func (b *beatScan) snapshotField(key []byte, depth int) bool {
	if string(key) != "metrics" {
		return b.skip(depth)
	}
	return once(&b.hasMetrics) && b.members(depth, b.onFamily)
}

func (b *beatScan) family(name []byte, depth int) bool {
	if b.hasContributed(name) || b.peek() != '{' {
		return false
	}
	b.hasSamples, b.added = false, false
	if short, ours := cutPrefix(name, b.prefix); ours {
		b.reading.family(short)
		b.added = true
	}
	if !b.members(depth, b.onFamilyField) {
		return false
	}
	if b.added {
		b.contribute(name)
	}
	return true
}

func (b *beatScan) hasContributed(name []byte) bool {
	if b.more != nil {
		return b.more[string(name)]
	}
	return slices.ContainsFunc(b.contributed, func(former []byte) bool { return bytes.Equal(former, name) })
}

func (b *beatScan) contribute(name []byte) {
	if len(b.contributed) < usualFamilies {
		b.contributed = append(b.contributed, name)
		return
	}
	if b.more == nil {
		b.more = map[string]bool{}
		for _, former := range b.contributed {
			b.more[string(former)] = true
		}
	}
	b.more[string(name)] = true
}

func (b *beatScan) familyField(key []byte, depth int) bool {
	if string(key) != "samples" {
		return b.skip(depth)
	}
	return once(&b.hasSamples) && b.elements(depth, b.onSample)
}

func (b *beatScan) sampleElement(depth int) bool {
	if b.plain && b.quickSample() {
		return true
	}
	if b.peek() != '{' {
		return b.skip(depth)
	}
	b.sample = sampleScan{}
	return b.members(depth, b.onSampleField) && b.addSample()
}

func (b *beatScan) sampleField(key []byte, depth int) (ok bool) {
	var field *[]byte
	switch string(key) {
	case "name":
		field = &b.sample.name
	case "labels":
		field = &b.sample.labels
	case "value":
		field = &b.sample.value
	default:
		return b.skip(depth)
	}
	if *field != nil {
		return false
	}
	*field, ok = b.value(depth)
	return ok
}

func (b *beatScan) addSample() bool {
	quoted := b.sample.name
	if len(quoted) < 2 || quoted[0] != '"' {
		return true
	}
	name, ours := cutPrefix(quoted[1:len(quoted)-1], b.prefix)
	if !ours {
		return !hasEscape(quoted)
	}
	m := metricOf(name)
	value, finite := number(b.sample.value)
	if m == otherMetric || !finite {
		return !hasEscape(quoted)
	}
	label, ok := b.labelOf(m.label())
	if ok {
		b.reading.add(m, label, value)
		b.added = true
	}
	return ok
}

// labelOf finds one label of the sample. The labels were walked over before, so
// they are valid.
func (b *beatScan) labelOf(name string) ([]byte, bool) {
	if name == "" || len(b.sample.labels) == 0 || b.sample.labels[0] != '{' {
		return nil, true
	}
	b.label, b.labelName, b.hasLabel = nil, name, false
	position, data := b.pos, b.data
	b.data, b.pos = b.sample.labels, 0
	ok := b.members(0, b.onLabel)
	b.data, b.pos = data, position
	return []byte(labelText(b.label)), ok
}

func (b *beatScan) labelField(key []byte, depth int) (ok bool) {
	if string(key) != b.labelName {
		return b.skip(depth)
	}
	if !once(&b.hasLabel) {
		return false
	}
	b.label, ok = b.value(depth)
	return ok && !pythonLiteral(b.label)
}

// pythonLiteral reports NaN, Infinity and -Infinity.
func pythonLiteral(raw []byte) bool {
	return len(raw) > 1 && (raw[0] == 'N' || raw[0] == 'I' || (raw[0] == '-' && raw[1] == 'I'))
}

func hasEscape(quoted []byte) bool { return bytes.IndexByte(quoted, '\\') >= 0 }
