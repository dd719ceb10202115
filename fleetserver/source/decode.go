package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/argus-dev/argus-operator/fleetserver/pyjson"
)

// Errors of a body that is no heartbeat or registration at all.
var (
	ErrNotJSON   = errors.New("invalid JSON body")
	ErrNotObject = errors.New("expected a JSON object")
)

// Heartbeat is a decoded heartbeat body.
type Heartbeat struct {
	Identity string
	Lease    string
	// Reading is nil when the body brought no snapshot, or none of the right shape.
	Reading *Reading
}

// DecodeHeartbeat reads a heartbeat as Python members write it: bare NaN and
// Infinity are values that are missing, any key it does not know is ignored, of
// a key that stands twice the last one counts, and a snapshot with something
// odd in it costs that family or sample only. It fails with ErrNotJSON or
// ErrNotObject. prefix is the metric prefix without its underscore.
//
// What members really send is scanned in one pass (scan.go). A body that the
// scanner is not sure of is decoded into a tree, which defines what is right.
func DecodeHeartbeat(body []byte, prefix string) (Heartbeat, error) {
	return new(Decoder).Heartbeat(body, prefix, nil)
}

// Wanted says whether the snapshot of a sender is worth decoding. It may be
// asked more than once; nil wants all of them.
type Wanted func(identity, lease string) bool

func (w Wanted) of(beat Heartbeat) bool { return w == nil || w(beat.Identity, beat.Lease) }

// Decoder reads one heartbeat after the other and keeps the room that it needs
// for that. The zero value is ready; it is not safe for concurrent use.
type Decoder struct{ scan *beatScan }

// Heartbeat is DecodeHeartbeat for the senders that are wanted. The snapshot of
// another one, which is most of the work, is left out. What it returns has
// nothing in common with the body.
func (d *Decoder) Heartbeat(body []byte, prefix string, wanted Wanted) (Heartbeat, error) {
	if d.scan == nil {
		d.scan = newBeatScan()
	}
	if beat, sure := d.scan.heartbeat(body, prefix, wanted); sure {
		return beat, nil
	}
	return decodeTree(body, prefix, wanted)
}

func decodeTree(body []byte, prefix string, wanted Wanted) (Heartbeat, error) {
	fields, err := DecodeObject(body)
	if err != nil {
		return Heartbeat{}, err
	}
	beat := Heartbeat{Identity: Text(fields["identity"]), Lease: Text(fields["lease"])}
	if !wanted.of(beat) {
		return beat, nil
	}
	if snapshot, ok := object(fields["snapshot"]); ok {
		beat.Reading = decodeSnapshot(snapshot, prefix+"_")
	}
	return beat, nil
}

// DecodeObject splits a JSON object into its raw members. Python's bare NaN and
// Infinity become null. It fails with ErrNotJSON or ErrNotObject.
func DecodeObject(body []byte) (map[string]json.RawMessage, error) {
	strict, err := pyjson.Strict(body)
	if err != nil || !utf8.Valid(body) || !json.Valid(strict) {
		return nil, ErrNotJSON
	}
	fields, ok := object(strict)
	if !ok {
		return nil, ErrNotObject
	}
	return fields, nil
}

// object splits valid JSON; it is false for anything but an object.
func object(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	var fields map[string]json.RawMessage
	return fields, len(raw) > 0 && json.Unmarshal(raw, &fields) == nil && fields != nil
}

// Text is a JSON string, or the literal form of a number other than 0 and of
// true, as argus-dpy turns them into text; "" for everything else.
func Text(raw json.RawMessage) string {
	if len(raw) > 1 && raw[0] == '"' {
		return unquote(raw)
	}
	switch literal := string(raw); literal {
	case "true":
		return "True"
	case "", "null", "false":
		return ""
	default:
		value, err := strconv.ParseFloat(literal, 64)
		if literal[0] == '{' || literal[0] == '[' || (err == nil && value == 0) {
			return ""
		}
		return literal
	}
}

func unquote(raw json.RawMessage) string {
	if !hasEscape(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	_ = json.Unmarshal(raw, &text) // "" if it is no string after all
	return text
}

// labelText is Text, but 0 is "0": there is a shard of that name.
func labelText(raw json.RawMessage) string {
	if string(raw) == "0" {
		return "0"
	}
	return Text(raw)
}

func decodeSnapshot(snapshot map[string]json.RawMessage, prefix string) *Reading {
	reading := newReading()
	raw, ok := snapshot["metrics"]
	if !ok || string(raw) == "null" {
		return reading.finish()
	}
	families, ok := object(raw)
	if !ok {
		return nil
	}
	for name, rawFamily := range families {
		family, ok := object(rawFamily)
		if !ok {
			continue
		}
		if name, ours := cutPrefix([]byte(name), prefix); ours {
			reading.family(name)
		}
		var samples []json.RawMessage
		if json.Unmarshal(family["samples"], &samples) != nil {
			continue
		}
		for _, sample := range samples {
			decodeSample(reading, sample, prefix)
		}
	}
	return reading.finish()
}

func decodeSample(reading *Reading, raw json.RawMessage, prefix string) {
	sample, ok := object(raw)
	if !ok || len(sample["name"]) == 0 || sample["name"][0] != '"' {
		return
	}
	name, ours := cutPrefix([]byte(Text(sample["name"])), prefix)
	if !ours {
		return
	}
	m := metricOf(name)
	value, finite := number(sample["value"])
	if m == otherMetric || !finite {
		return
	}
	label := ""
	if labels, ok := object(sample["labels"]); ok && m.label() != "" {
		label = labelText(labels[m.label()])
	}
	reading.add(m, []byte(label), value)
}

func cutPrefix(name []byte, prefix string) ([]byte, bool) {
	if len(name) < len(prefix) || string(name[:len(prefix)]) != prefix {
		return nil, false
	}
	return name[len(prefix):], true
}

// number accepts a JSON number, or one in a string, as Python's float() does,
// as far as it is finite.
func number(raw json.RawMessage) (float64, bool) {
	if len(raw) == 0 {
		return 0, false
	}
	text := string(raw)
	switch first := raw[0]; {
	case first == '"':
		text = Text(raw)
	case first != '-' && (first < '0' || first > '9'):
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64)
	return value, err == nil && !math.IsNaN(value) && !math.IsInf(value, 0)
}

// maxBeginning is how much of an oversized body is searched for who sent it.
const maxBeginning = 16 << 10

// DecodeBeginning finds identity and lease in the beginning of a body that is
// too large to be read. It is false when the identity is not there.
func DecodeBeginning(body []byte) (Heartbeat, bool) {
	decoder := json.NewDecoder(bytes.NewReader(body[:min(len(body), maxBeginning)]))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return Heartbeat{}, false
	}
	var beat Heartbeat
	for {
		key, err := decoder.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			break // cut off here, or not JSON
		}
		switch key {
		case "identity":
			beat.Identity = Text(value)
		case "lease":
			beat.Lease = Text(value)
		}
	}
	return beat, beat.Identity != ""
}
