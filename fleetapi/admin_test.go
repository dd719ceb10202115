package fleetapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRetire(t *testing.T) {
	for sentence, tc := range map[string]struct {
		identity string
		force    bool
		answer   int
		asked    string
	}{
		"one that is down":     {"bot-0", false, http.StatusNoContent, "/api/admin/cluster?identity=bot-0"},
		"one that may be up":   {"bot-0", true, http.StatusNoContent, "/api/admin/cluster?force=1&identity=bot-0"},
		"a name to be escaped": {"a b&c", false, http.StatusNoContent, "/api/admin/cluster?identity=a+b%26c"},
		"a stranger":           {"bot-9", true, http.StatusNotFound, "/api/admin/cluster?force=1&identity=bot-9"},
		"one that is up":       {"bot-1", false, http.StatusConflict, "/api/admin/cluster?identity=bot-1"},
	} {
		t.Run(sentence, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
				w.WriteHeader(tc.answer)
			}))
			defer server.Close()
			client, err := NewClient(server.URL, ClientOptions{Token: func() (string, error) { return "admin", nil }})
			if err != nil {
				t.Fatal(err)
			}
			err = client.Retire(t.Context(), tc.identity, tc.force)
			got := http.StatusNoContent
			if refused, ok := errors.AsType[*StatusError](err); ok {
				got = refused.Code
			} else if err != nil {
				t.Fatal(err)
			}
			if got != tc.answer {
				t.Errorf("the answer is %d, want %d", got, tc.answer)
			}
			if diff := cmp.Diff([]string{"DELETE " + tc.asked + " Bearer admin"}, asked); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
