// Package pyjson makes the JSON that Python writes strict: json.dumps emits
// bare NaN and Infinity, which no other parser takes.
package pyjson

import (
	"bytes"
	"errors"
)

// MaxDepth bounds nesting; a heartbeat has seven levels, a state file ten.
const MaxDepth = 32

// ErrTooDeep refuses a document with more than MaxDepth levels.
var ErrTooDeep = errors.New("JSON is nested too deeply")

// Strict replaces bare NaN, Infinity and -Infinity by null. It returns its
// argument when there is nothing to replace; it does not check anything else.
func Strict(document []byte) ([]byte, error) {
	var out bytes.Buffer
	depth, copied := 0, 0
	for i := 0; i < len(document); i++ {
		switch document[i] {
		case '"':
			i = endOfString(document, i)
		case '{', '[':
			if depth++; depth > MaxDepth {
				return nil, ErrTooDeep
			}
		case '}', ']':
			depth--
		case 'N', 'I', '-':
			if length := literal(document[i:]); length > 0 {
				out.Write(document[copied:i])
				out.WriteString("null")
				copied = i + length
				i = copied - 1
			}
		}
	}
	if copied == 0 {
		return document, nil
	}
	out.Write(document[copied:])
	return out.Bytes(), nil
}

// endOfString is the index of the quote that ends the string opened at start.
func endOfString(document []byte, start int) int {
	for i := start + 1; i < len(document); i++ {
		switch document[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(document)
}

func literal(rest []byte) int {
	for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			return len(word)
		}
	}
	return 0
}
