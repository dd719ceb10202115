package source

import "bytes"

// scanDepth is how deep the scanner follows; a heartbeat has seven levels.
const scanDepth = 16

// scanner walks over JSON in one pass. Its methods expect the position at a
// value, leave it behind that value, and return false for anything that is not
// plainly right: Python's literals and ordinary JSON are, escapes in keys and
// repeated keys are not.
type scanner struct {
	data []byte
	pos  int
	// plain means that there are no escapes and no control characters.
	plain bool
	// skipMember is the method of that name, made a value once.
	skipMember func(key []byte, depth int) bool
	skipValue  func(depth int) bool
}

// begin puts the scanner at the start of a text.
func (s *scanner) begin(data []byte) {
	s.data, s.pos, s.plain = data, 0, printable(data)
	if s.skipValue == nil {
		s.skipMember = func(_ []byte, depth int) bool { return s.skip(depth) }
		s.skipValue = s.skip
	}
}

// members walks over an object and calls visit with each key; visit must walk
// over the value.
func (s *scanner) members(depth int, visit func(key []byte, depth int) bool) bool {
	if depth > scanDepth || !s.take('{') {
		return false
	}
	if s.space(); s.take('}') {
		return true
	}
	for {
		s.space()
		key, plain := s.text()
		if !plain {
			return false
		}
		if s.space(); !s.take(':') {
			return false
		}
		if s.space(); !visit(key, depth+1) {
			return false
		}
		if s.space(); s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// elements walks over an array and calls visit at each element.
func (s *scanner) elements(depth int, visit func(depth int) bool) bool {
	if depth > scanDepth || !s.take('[') {
		return false
	}
	if s.space(); s.take(']') {
		return true
	}
	for {
		if s.space(); !visit(depth + 1) {
			return false
		}
		if s.space(); s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// value walks over any value and returns its extent.
func (s *scanner) value(depth int) ([]byte, bool) {
	start := s.pos
	ok := s.skip(depth)
	return s.data[start:s.pos], ok
}

func (s *scanner) skip(depth int) bool {
	switch c := s.peek(); {
	case c == '"':
		_, ok := s.skipText()
		return ok
	case c == '{':
		return s.members(depth, s.skipMember)
	case c == '[':
		return s.elements(depth, s.skipValue)
	case c == '-' || (c >= '0' && c <= '9'):
		return s.skipNumber()
	}
	return s.word()
}

// word walks over a literal, Python's among them.
func (s *scanner) word() bool {
	rest := s.data[s.pos:]
	for _, word := range [...]string{"null", "true", "false", "NaN", "Infinity"} {
		if len(rest) >= len(word) && string(rest[:len(word)]) == word {
			s.pos += len(word)
			return true
		}
	}
	return false
}

// text walks over a string and returns what is between its quotes; it is false
// for a string with an escape, too.
func (s *scanner) text() ([]byte, bool) {
	start := s.pos + 1
	escaped, ok := s.skipText()
	if !ok || escaped {
		return nil, false
	}
	return s.data[start : s.pos-1], true
}

func (s *scanner) skipText() (escaped, ok bool) {
	if !s.take('"') {
		return false, false
	}
	if s.plain {
		length := bytes.IndexByte(s.data[s.pos:], '"')
		s.pos += length + 1
		return false, length >= 0
	}
	for s.pos < len(s.data) {
		s.pos += plainLength(s.data[s.pos:])
		switch s.peek() {
		case '"':
			s.pos++
			return escaped, true
		case '\\':
			if escaped = true; !s.escape() {
				return true, false
			}
		default:
			return escaped, false // a control character, or the end
		}
	}
	return escaped, false
}

// plainLength is how many bytes stand for themselves.
func plainLength(rest []byte) int {
	for i, c := range rest {
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(rest)
}

func (s *scanner) escape() bool {
	s.pos++
	c := s.peek()
	s.pos++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if c := s.peek() | 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
			s.pos++
		}
		return true
	}
	return false
}

// skipNumber walks over a JSON number, or -Infinity.
func (s *scanner) skipNumber() bool {
	if s.take('-') && s.peek() == 'I' {
		return s.word()
	}
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) space() {
	if s.pos < len(s.data) && s.data[s.pos] > ' ' {
		return
	}
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) take(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// peek is the byte at the position, or 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}
