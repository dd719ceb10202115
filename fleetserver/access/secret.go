package access

import "strings"

// Secret is a configured secret: its text, and the file that it came from if it
// did, so that it can be read again.
type Secret struct {
	Value string
	File  string
}

// Split returns the tokens of a comma list, trimmed, without empty ones.
func Split(list string) []string {
	var tokens []string
	for token := range strings.SplitSeq(list, ",") {
		if token = strings.TrimSpace(token); token != "" {
			tokens = append(tokens, token)
		}
	}
	return tokens
}
