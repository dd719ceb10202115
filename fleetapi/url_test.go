package fleetapi

import "testing"

func TestQuoteURLHidesPasswords(t *testing.T) {
	for value, want := range map[string]string{
		"https://prom:9090/x":          `"https://prom:9090/x"`,
		"prom:9090":                    `"prom:9090"`,
		"https://user:secret@prom":     `"https://user:xxxxx@prom"`,
		"user:secret@prom:9090":        "(not shown)",
		"https://user:sec%ret@prom":    "(not shown)",
		"https://prom/x?next=me@there": "(not shown)",
		"two\nlines":                   "(not shown)",
		"":                             `""`,
	} {
		if got := QuoteURL(value); got != want {
			t.Errorf("%q is quoted as %s, want %s", value, got, want)
		}
	}
}
