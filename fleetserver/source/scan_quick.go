package source

import (
	"bytes"
	"encoding/binary"
)

// Nearly all of a heartbeat is samples, and nearly all samples are spelled as
// Python's json.dumps does, with these keys in this order. Comparing with that
// spelling is several times faster than walking from token to token. Whatever
// differs is left to the walk.
const (
	quickName   = `{"name": "`
	quickLabels = `, "labels": {`
	quickValue  = `}, "value": `
)

// quick is what is known of the sample before: its neighbour has mostly the same name.
type quick struct {
	name   []byte // with the closing quote
	metric metric
	label  string // the one that matters
	found  []byte // its value in this sample
}

// printable reports that a body holds neither escapes nor control characters nor
// anything but ASCII: then a string ends at the next quote, and is itself.
func printable(body []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(body) >= 16 {
		v, w := binary.LittleEndian.Uint64(body), binary.LittleEndian.Uint64(body[8:])
		odd := v | (v - ones*' ') | ((v ^ ones*'\\') - ones) | w | (w - ones*' ') | ((w ^ ones*'\\') - ones)
		if odd&highs != 0 {
			return false
		}
		body = body[16:]
	}
	for _, c := range body {
		if c < ' ' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// quickSample reads a sample of the usual spelling. Else it is false and the
// position is where it was.
func (b *beatScan) quickSample() bool {
	start := b.pos
	if b.literal(quickName) && b.quickName() && b.literal(quickLabels) && b.quickLabels() && b.literal(quickValue) {
		value, ok := b.quickValue()
		if ok && b.take('}') {
			if b.quick.metric != otherMetric {
				b.reading.add(b.quick.metric, b.quick.found, value)
				b.added = true
			}
			return true
		}
	}
	b.pos = start
	return false
}

func (b *beatScan) literal(text string) bool {
	end := b.pos + len(text)
	if end > len(b.data) || string(b.data[b.pos:end]) != text {
		return false
	}
	b.pos = end
	return true
}

// quickName walks over the rest of a name.
func (b *beatScan) quickName() bool {
	q := &b.quick
	if rest := b.data[b.pos:]; len(q.name) > 0 && bytes.HasPrefix(rest, q.name) {
		b.pos += len(q.name)
		return true
	}
	name, ok := b.untilQuote()
	if !ok {
		return false
	}
	q.name, q.metric = name[:len(name)+1], otherMetric
	if short, ours := cutPrefix(name, b.prefix); ours {
		q.metric = metricOf(short)
	}
	q.label = q.metric.label()
	return true
}

// quickLabels walks over labels that are texts, up to the closing brace, and
// keeps the one that matters.
func (b *beatScan) quickLabels() bool {
	b.quick.found = nil
	if b.peek() == '}' {
		return true
	}
	for {
		if !b.take('"') {
			return false
		}
		key, ok := b.untilQuote()
		if !ok || !b.literal(`: "`) {
			return false
		}
		value, ok := b.untilQuote()
		if !ok {
			return false
		}
		if string(key) == b.quick.label && len(key) > 0 {
			if b.quick.found != nil {
				return false
			}
			b.quick.found = value
		}
		if b.peek() == '}' {
			return true
		}
		if !b.literal(", ") {
			return false
		}
	}
}

// untilQuote walks over the rest of a string, in a body without escapes.
func (b *beatScan) untilQuote() ([]byte, bool) {
	rest := b.data[b.pos:]
	length := bytes.IndexByte(rest, '"')
	if length < 0 {
		return nil, false
	}
	b.pos += length + 1
	return rest[:length], true
}

// exactDigits is how many decimal digits a float64 always holds exactly.
const exactDigits = 15

// quickValue reads the number that a sample ends with.
func (b *beatScan) quickValue() (float64, bool) {
	start := b.pos
	if value, ok := b.quickNumber(); ok {
		return value, true
	}
	b.pos = start
	if !b.skipNumber() || b.peek() != '}' {
		return 0, false
	}
	if b.quick.metric == otherMetric {
		return 0, true
	}
	return number(b.data[start:b.pos])
}

// quickNumber reads a number of few digits, exactly as strconv.ParseFloat does:
// both its digits and the power of ten are float64s without error, so that
// their quotient is rounded once.
func (b *beatScan) quickNumber() (float64, bool) {
	zero := b.peek() == '0'
	mantissa, digits := b.quickDigits(0)
	if digits == 0 || (zero && digits > 1) { // 01 is no number
		return 0, false
	}
	fraction := 0
	if b.take('.') {
		if mantissa, fraction = b.quickDigits(mantissa); fraction == 0 {
			return 0, false
		}
	}
	if digits+fraction > exactDigits || b.peek() != '}' {
		return 0, false
	}
	return float64(mantissa) / powersOfTen(fraction), true
}

// quickDigits appends digits to a number and counts them; the number is
// nonsense when there are too many.
func (b *beatScan) quickDigits(number int64) (result int64, count int) {
	for ; b.pos < len(b.data); b.pos++ {
		c := b.data[b.pos] - '0'
		if c > 9 {
			break
		}
		number = 10*number + int64(c)
		count++
	}
	return number, count
}

func powersOfTen(exponent int) float64 {
	return [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}[exponent]
}
