package analytics

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestRequests(t *testing.T) {
	client := clickHouse(t, replying(http.StatusOK, ""))
	for name, tc := range map[string]struct {
		query string
		want  error
	}{
		"a snowflake":                      {"guild_id=123456789012345678", nil},
		"a guild need not be a number":     {"guild_id=demo-guild-1", nil},
		"a guild and a cluster":            {"guild_id=42&cluster=mybot-0", nil},
		"an empty cluster is none":         {"guild_id=42&cluster=", nil},
		"128 characters, though not bytes": {"guild_id=" + strings.Repeat("é", 128), nil},
		"no guild":                         {"cluster=a", ErrGuildRequired},
		"an empty guild":                   {"guild_id=", ErrGuildRequired},
		"129 characters":                   {"guild_id=" + strings.Repeat("é", 129), ErrGuild},
		"a control character":              {"guild_id=4%0a2", ErrGuild},
		"a NUL":                            {"guild_id=42%00", ErrGuild},
		"bytes that are no text":           {"guild_id=%ff%fe", ErrGuild},
		"a cluster's control character":    {"guild_id=42&cluster=%1b[31m", ErrCluster},
		"a cluster's name is too long":     {"guild_id=42&cluster=" + strings.Repeat("x", 129), ErrCluster},
	} {
		t.Run(name, func(t *testing.T) {
			query, err := url.ParseQuery(tc.query)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Request(query); !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
		})
	}
}

// TestValuesAreNeverPartOfAQuery asks every question about names that would do
// harm inside one. The statement that arrives must be the constant one.
func TestValuesAreNeverPartOfAQuery(t *testing.T) {
	for name, tc := range map[string]struct{ value, wire string }{
		"a quote":              {`' OR 1=1 --`, `' OR 1=1 --`},
		"another statement":    {`1'; DROP TABLE argus_events; --`, `1'; DROP TABLE argus_events; --`},
		"a union":              {`x' UNION ALL SELECT name, 1 FROM system.users FORMAT TSV --`, `x' UNION ALL SELECT name, 1 FROM system.users FORMAT TSV --`},
		"a parameter":          {`{cluster:String}`, `{cluster:String}`},
		"a comment":            {`/**/`, `/**/`},
		"an ampersand":         {`1&query=SELECT 1&user=default`, `1&query=SELECT 1&user=default`},
		"a percent sign":       {`%27%20OR%201`, `%27%20OR%201`},
		"a backslash":          {`\`, `\\`},
		"a backslash, a quote": {`\' OR 1=1 --`, `\\' OR 1=1 --`},
		"ClickHouse's NULL":    {`\N`, `\\N`},
		"an escape":            {`\x27 OR 1=1`, `\\x27 OR 1=1`},
		"wide quotes":          {`＇ OR 1=1`, `＇ OR 1=1`},
	} {
		t.Run(name, func(t *testing.T) {
			var got url.Values
			client := clickHouse(t, func(w http.ResponseWriter, r *http.Request) {
				got = r.URL.Query()
				replying(http.StatusOK, `{"data":[],"rows":0}`)(w, r)
			})
			for question, ask := range questions() {
				if _, err := ask(t.Context(), client, requestOf(t, client, tc.value, tc.value)); err != nil {
					t.Fatal(err)
				}
				check := func(parameter, want string) {
					if values := got[parameter]; len(values) != 1 || values[0] != want {
						t.Errorf("%s: %s is %q, want %q alone", question, parameter, values, want)
					}
				}
				check("param_guild_id", tc.wire)
				check("param_cluster", tc.wire)
				check("query", strings.Replace(queryOf(question), "{guild_id:String}", "{guild_id:String} AND cluster_id = {cluster:String}", 1))
				if len(got) != 6 {
					t.Errorf("%s: parameters %v, want six", question, got)
				}
			}
		})
	}
}

func queryOf(question string) string {
	return map[string]string{
		InteractionVolume: volumeQuery, TopCommands: topQuery, CommandStats: statsQuery, AvgDuration: durationQuery,
	}[question]
}
