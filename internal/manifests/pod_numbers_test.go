package manifests

import "testing"

// A number that takes a parser of quantities for ever is found wherever a quantity may
// be, however it is written, and free text is left alone.
func TestNumbersThatNobodyCanRead(t *testing.T) {
	const limits = `{"containers":[{"name":"x","resources":{"limits":`
	for sentence, tc := range map[string]struct {
		raw     string
		refused bool
	}{
		"an exponent":                         {limits + `{"cpu":"1e-999999999"}}}]}`, true},
		"one behind a blank":                  {limits + `{"cpu":" 1e-999999999"}}}]}`, true},
		"a number":                            {limits + `{"cpu":1e-999999999}}}]}`, true},
		"of a resource with a command's name": {limits + `{"command":"1e-999999999"}}}]}`, true},
		"of one with arguments' name":         {limits + `{"args":"1e-999999999"}}}]}`, true},
		"of one with a value's name":          {limits + `{"value":"1e-999999999"}}}]}`, true},
		"a volume's size":                     {`{"volumes":[{"emptyDir":{"sizeLimit":"1e-999999999"}}]}`, true},
		"an ordinary limit":                   {limits + `{"cpu":"100m","memory":"1.5Gi"}}}]}`, false},
		"a variable":                          {`{"containers":[{"env":[{"name":"N","value":"1e-999999999"}]}]}`, false},
		"a word of a command":                 {`{"containers":[{"command":["1e-999999999"],"args":[" 1e-9999"]}]}`, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if err := checkNumbers("spec.pod.patch", []byte(tc.raw)); (err != nil) != tc.refused {
				t.Errorf("the verdict is %v", err)
			}
		})
	}
}
