package memory

import (
	"io/fs"
	"testing"
)

func TestContainerLimit(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  int64
		ok    bool
	}{
		"version 2":                  {map[string]string{limitFileV2: "268435456\n"}, 241591910, true},
		"version 2 without limit":    {map[string]string{limitFileV2: "max\n"}, 0, false},
		"version 1":                  {map[string]string{limitFileV1: "1000\n"}, 900, true},
		"version 1 without limit":    {map[string]string{limitFileV1: "9223372036854771712\n"}, 0, false},
		"version 2 before version 1": {map[string]string{limitFileV2: "1000", limitFileV1: "7"}, 900, true},
		"no control group":           {nil, 0, false},
		"nonsense":                   {map[string]string{limitFileV2: "-1"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := containerLimit(func(file string) ([]byte, error) {
				if content, there := tc.files[file]; there {
					return []byte(content), nil
				}
				return nil, fs.ErrNotExist
			})
			if ok != tc.ok || (ok && got != tc.want) {
				t.Errorf("%d %t, want %d %t", got, ok, tc.want, tc.ok)
			}
		})
	}
}
