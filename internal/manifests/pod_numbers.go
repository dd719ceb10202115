package manifests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
)

// unreadable matches numbers that take a parser of quantities minutes or for ever: it
// computes 1e-999999999 to the last digit. No resource has so many.
var unreadable = regexp.MustCompile(`^[+-]?([0-9.]{65,}|[0-9.]+[eE][+-]?[0-9]{4,})`)

// checkNumbers refuses such numbers before anything reads them as a quantity. Free
// text (a variable's value, a command) may hold what it likes.
func checkNumbers(field string, raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return invalidPod(field, err.Error()+": write it as a pod has it")
	}
	return walkNumbers(field, value)
}

func walkNumbers(field string, value any) error {
	switch node := value.(type) {
	case map[string]any:
		for key, child := range node {
			if key == "value" || key == "command" || key == "args" {
				continue
			}
			if err := walkNumbers(field+"."+key, child); err != nil {
				return err
			}
		}
	case []any:
		for i, child := range node {
			if err := walkNumbers(fmt.Sprintf("%s[%d]", field, i), child); err != nil {
				return err
			}
		}
	case json.Number, string:
		if unreadable.MatchString(fmt.Sprint(node)) {
			return invalidPod(field, "the number has too many digits: write it with fewer")
		}
	}
	return nil
}
