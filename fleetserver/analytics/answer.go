package analytics

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"regexp"
	"strconv"
)

// answer is a reply in the format JSONCompact.
type answer struct {
	Data [][]json.RawMessage `json:"data"`
	// Rows tells a whole reply from one that broke off in a way that is still JSON.
	Rows *int `json:"rows"`
	// Exception is where newer servers report a fault that happens late.
	Exception *string `json:"exception"`
}

// exceptionCode finds the number in what ClickHouse says of an exception.
var exceptionCode = regexp.MustCompile(`Code: (\d{1,6})\b`)

// decode reads a reply. Its error is a *QueryError.
func decode(status int, header http.Header, body []byte) (answer, error) {
	if code := header.Get("X-ClickHouse-Exception-Code"); code != "" {
		return answer{}, exceptionIn("Code: " + code)
	}
	if status != http.StatusOK {
		return answer{}, statusFault(status, string(body))
	}
	var a answer
	switch err := json.Unmarshal(body, &a); {
	case err != nil && exceptionCode.Match(body):
		return answer{}, exceptionIn(string(body)) // rows, and then the exception as text
	case err != nil:
		return answer{}, unanswered("what came is no JSON, or was cut off")
	case a.Exception != nil:
		return answer{}, exceptionIn(*a.Exception)
	case a.Rows == nil || *a.Rows != len(a.Data):
		return answer{}, unanswered("rows are missing")
	}
	return a, nil
}

// statusFault tells an exception of ClickHouse from a proxy that has no
// ClickHouse behind it, and both from the rest.
func statusFault(status int, body string) *QueryError {
	detail := "status " + strconv.Itoa(status)
	switch {
	case exceptionCode.MatchString(body):
		return exceptionIn(body)
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return &QueryError{Kind: ErrUnreachable, detail: detail}
	case status/100 == 3:
		detail += ", a redirect, which is not followed"
	}
	return unanswered(detail)
}

func exceptionIn(text string) *QueryError {
	if found := exceptionCode.FindStringSubmatch(text); found != nil {
		return exception(found[1])
	}
	return exception("without a number")
}

// cells reads one row from left to right. A cell that is not what is asked for
// makes the row bad.
type cells struct {
	rest []json.RawMessage
	bad  bool
}

func (c *cells) next() json.RawMessage {
	if len(c.rest) == 0 {
		c.bad = true
		return json.RawMessage("null")
	}
	cell := c.rest[0]
	c.rest = c.rest[1:]
	return cell
}

// text reads a string; null and other JSON as they stand.
func (c *cells) text() string {
	cell := c.next()
	var text string
	if json.Unmarshal(cell, &text) != nil || bytes.Equal(cell, []byte("null")) {
		return string(cell)
	}
	return text
}

// count reads a whole number, which ClickHouse writes in quotes or without,
// depending on its version.
func (c *cells) count() uint64 {
	value, err := strconv.ParseUint(unquote(c.next()), 10, 64)
	c.bad = c.bad || err != nil
	return value
}

// number reads a float; null, and what is not finite, is the mean of nothing: 0.
func (c *cells) number() float64 {
	cell := unquote(c.next())
	if cell == "null" {
		return 0
	}
	value, err := strconv.ParseFloat(cell, 64)
	c.bad = c.bad || err != nil
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0
	}
	return value
}

func unquote(cell json.RawMessage) string { return string(bytes.Trim(cell, `"`)) }
