package apply

import "testing"

func TestContains(t *testing.T) {
	object := func(spec map[string]any) map[string]any { return map[string]any{"spec": spec} }
	for sentence, tc := range map[string]struct {
		live, wanted any
		want         bool
	}{
		"the same": {object(map[string]any{"a": int64(1)}), object(map[string]any{"a": int64(1)}), true},
		"a field of somebody else's is no change": {object(map[string]any{"a": "x", "b": "y"}), object(map[string]any{"a": "x"}), true},
		"another value":          {object(map[string]any{"a": "x"}), object(map[string]any{"a": "y"}), false},
		"another type":           {object(map[string]any{"a": "1"}), object(map[string]any{"a": int64(1)}), false},
		"a missing field":        {object(map[string]any{}), object(map[string]any{"a": "x"}), false},
		"a missing map":          {map[string]any{}, object(map[string]any{}), false},
		"a map where a list was": {object(map[string]any{"a": map[string]any{}}), object(map[string]any{"a": []any{}}), false},
		"a default that a CRD put into an element": {[]any{map[string]any{"name": "x", "weight": int64(1)}}, []any{map[string]any{"name": "x"}}, true},
		"an element more":                          {[]any{"x", "y"}, []any{"x"}, false},
		"an element less":                          {[]any{}, []any{"x"}, false},
		"another order":                            {[]any{"y", "x"}, []any{"x", "y"}, false},
		"nothing where a list is wanted":           {nil, []any{}, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := contains(tc.live, tc.wanted); got != tc.want {
				t.Errorf("contains(%v, %v) is %v, want %v", tc.live, tc.wanted, got, tc.want)
			}
		})
	}
}
