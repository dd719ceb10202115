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
// Infinity are values that are missing, any key it does not know is ignored,
// and a snapshot with something odd in it costs that family or sample only. It
// fails with ErrNotJSON or ErrNotObject. prefix is the metric prefix without
// its underscore.
func DecodeHeartbeat(body []byte, prefix string) (Heartbeat, error) {
	fields, err := DecodeObject(body)
	if err != nil {
		return Heartbeat{}, err
	}
	beat := Heartbeat{Identity: Text(fields["identity"]), Lease: Text(fields["lease"])}
	if raw, ok := fields["snapshot"]; ok {
		beat.Reading = decodeSnapshot(raw, prefix)
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
	var fields map[string]json.RawMessage
	if json.Unmarshal(strict, &fields) != nil || fields == nil {
		return nil, ErrNotObject
	}
	return fields, nil
}

// Text is a JSON string, or the literal form of a number other than 0 and of
// true, as argus-dpy turns them into text; "" for everything else.
func Text(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	switch literal := string(raw); {
	case literal == "true":
		return "True"
	case literal == "" || literal[0] == '{' || literal[0] == '[' || literal == "false":
		return ""
	default:
		if value, err := strconv.ParseFloat(literal, 64); err == nil && value == 0 {
			return ""
		}
		return literal
	}
}

type wireSnapshot struct {
	Metrics map[string]json.RawMessage `json:"metrics"`
}

type wireFamily struct {
	Samples []json.RawMessage `json:"samples"`
}

type wireSample struct {
	Name   string                     `json:"name"`
	Labels map[string]json.RawMessage `json:"labels"`
	Value  json.RawMessage            `json:"value"`
}

func decodeSnapshot(raw json.RawMessage, prefix string) *Reading {
	var snapshot wireSnapshot
	if raw[0] != '{' || json.Unmarshal(raw, &snapshot) != nil {
		return nil
	}
	reading := newReading(prefix)
	for name, rawFamily := range snapshot.Metrics {
		reading.family(name)
		var family wireFamily
		if json.Unmarshal(rawFamily, &family) != nil {
			continue
		}
		for _, rawSample := range family.Samples {
			var sample wireSample
			if json.Unmarshal(rawSample, &sample) != nil {
				continue
			}
			if value, ok := number(sample.Value); ok {
				reading.add(sample.Name, sample.Labels, value)
			}
		}
	}
	return reading.finish()
}

// number accepts what Python's float() does, as far as it is finite.
func number(raw json.RawMessage) (float64, bool) {
	value, err := strconv.ParseFloat(Text(raw), 64)
	if err != nil {
		var zero float64
		if json.Unmarshal(raw, &zero) != nil || string(raw) == "null" {
			return 0, false
		}
		return zero, true
	}
	return value, !math.IsNaN(value) && !math.IsInf(value, 0)
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
