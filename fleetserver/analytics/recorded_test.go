package analytics

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRecordedAnswers plays pairs of a request and a reply. The replies are
// those of a ClickHouse 18.16 that held some events; the requests are compared
// in full, headers and parameters too.
func TestRecordedAnswers(t *testing.T) {
	volume := `{"rows":[["2026-10-25",%[1]d],["2026-11-22",%[1]d],["2026-11-23",%[1]d]]}`
	for name, want := range map[string]string{
		"interaction-volume":              fmt.Sprintf(volume, 3),
		"interaction-volume-of-a-cluster": fmt.Sprintf(volume, 1),
		"interaction-volume-of-nobody":    `{"rows":[]}`,
		"top-commands":                    `{"rows":[["ping",10],["say \"hi\"",5]]}`,
		"top-commands-of-a-cluster":       `{"rows":[["ping",10],["say \"hi\"",5]]}`,
		"top-commands-of-nobody":          `{"rows":[]}`,
		"command-stats":                   `{"rows":[["ping",10,15.75],["say \"hi\"",5,0]]}`,
		"command-stats-of-a-cluster":      `{"rows":[["ping",10,15.75],["say \"hi\"",5,0]]}`,
		"command-stats-of-nobody":         `{"rows":[]}`,
		"avg-duration":                    `{"avg_ms":10.5}`,
		"avg-duration-of-a-cluster":       `{"avg_ms":10.5}`,
		"avg-duration-of-nobody":          `{"avg_ms":0}`,
	} {
		t.Run(name, func(t *testing.T) {
			client := clickHouse(t, replay(t, filepath.Join("testdata", "recorded", name+".txt")))
			question, whose, _ := strings.Cut(name, "-of-")
			guild, cluster := "42", ""
			switch whose {
			case "nobody":
				guild = whose
			case "a-cluster":
				cluster = "a"
			}
			got, err := questions()[question](t.Context(), client, requestOf(t, client, guild, cluster))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, jsonOf(t, got)); diff != "" {
				t.Errorf("reply (-want +got)\n%s", diff)
			}
		})
	}
}

// replay answers the one request of a file with the reply behind it.
func replay(t *testing.T, path string) http.HandlerFunc {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, reply, _ := strings.Cut(string(content), "\n\n")
	return func(w http.ResponseWriter, r *http.Request) {
		if diff := cmp.Diff(want, describe(r)); diff != "" {
			t.Errorf("request (-want +got)\n%s", diff)
		}
		recorded, err := http.ReadResponse(bufio.NewReader(strings.NewReader(reply)), r)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		defer recorded.Body.Close()
		w.Header().Set("Content-Type", recorded.Header.Get("Content-Type"))
		w.WriteHeader(recorded.StatusCode)
		if _, err := io.Copy(w, recorded.Body); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// describe is a request as the files have it: method, headers, parameters.
func describe(r *http.Request) string {
	var lines []string
	for name, values := range r.Header {
		lines = append(lines, name+": "+strings.Join(values, ", "))
	}
	slices.Sort(lines)
	parameters := len(lines)
	for name, values := range r.URL.Query() {
		lines = append(lines, name+"="+strings.Join(values, ", "))
	}
	slices.Sort(lines[parameters:])
	return r.Method + " " + r.URL.Path + "\n" + strings.Join(lines, "\n")
}

func TestDialects(t *testing.T) {
	for name, tc := range map[string]struct {
		question, body, want string
	}{
		"a newer server's numbers are not in quotes":   {TopCommands, `{"data":[["ping",12]],"rows":1}`, `{"rows":[["ping",12]]}`},
		"counts beyond a float's precision are exact":  {TopCommands, `{"data":[["ping","18446744073709551615"]],"rows":1}`, `{"rows":[["ping",18446744073709551615]]}`},
		"a date that comes as a number is text":        {InteractionVolume, `{"data":[[20621,1]],"rows":1}`, `{"rows":[["20621",1]]}`},
		"a mean of nothing may be a quoted nan":        {AvgDuration, `{"data":[["nan"]],"rows":1}`, `{"avg_ms":0}`},
		"or infinite":                                  {AvgDuration, `{"data":[["-inf"]],"rows":1}`, `{"avg_ms":0}`},
		"or not there":                                 {AvgDuration, `{"data":[],"rows":0}`, `{"avg_ms":0}`},
		"a mean may be in quotes":                      {AvgDuration, `{"data":[["1.5"]],"rows":1}`, `{"avg_ms":1.5}`},
		"a command's name is text, whatever it is":     {TopCommands, `{"data":[["\u0000</script>\ud83d\ude00",1]],"rows":1}`, `{"rows":[["\u0000\u003c/script\u003e😀",1]]}`},
		"a stat without a mean":                        {CommandStats, `{"data":[["ping",1,null]],"rows":1}`, `{"rows":[["ping",1,0]]}`},
		"keys that are not known are of no importance": {TopCommands, `{"meta":[],"data":[],"rows":0,"rows_before_limit_at_least":0,"totals":[1],"extremes":{}}`, `{"rows":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			client := clickHouse(t, replying(http.StatusOK, tc.body))
			got, err := questions()[tc.question](t.Context(), client, requestOf(t, client, "42", ""))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, jsonOf(t, got)); diff != "" {
				t.Errorf("reply (-want +got)\n%s", diff)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(200, []byte(`{"data":[["ping","1",null]],"rows":1}`))
	f.Add(200, []byte(`{"data":[["2026-06-17",1]],"rows":1}Code: 159. DB::Exception`))
	f.Add(500, []byte(`Code: 60. DB::Exception: whisper`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		reply, err := decode(status, http.Header{}, body)
		if err != nil {
			if len(body) > 20 && bytes.Contains([]byte(err.Error()), body) {
				t.Fatalf("%q quotes the reply", err)
			}
			return
		}
		for _, row := range reply.Data {
			reader := &cells{rest: row}
			jsonOf(t, CommandStat{reader.text(), reader.count(), reader.number()})
		}
	})
}
