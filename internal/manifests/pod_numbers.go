package manifests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
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
	return walkNumbers(field, "", value)
}

// walkNumbers looks at a value and all in it; under is the key that leads to it, through
// lists.
func walkNumbers(field, under string, value any) error {
	switch node := value.(type) {
	case map[string]any:
		for key, child := range node {
			if freeText(under, key, child) {
				continue
			}
			if err := walkNumbers(field+"."+key, key, child); err != nil {
				return err
			}
		}
	case []any:
		for i, child := range node {
			if err := walkNumbers(fmt.Sprintf("%s[%d]", field, i), under, child); err != nil {
				return err
			}
		}
	case json.Number, string:
		if unreadable.MatchString(strings.TrimSpace(fmt.Sprint(node))) { // as a quantity is read
			return invalidPod(field, "the number has too many digits: write it with fewer")
		}
	}
	return nil
}

// freeText tells of what nobody reads as a quantity: the value of a variable, a header or a
// toleration, and the list of words that is a command. A resource may have these names, too.
func freeText(under, key string, child any) bool {
	switch key {
	case "value":
		return under == "env" || under == "httpHeaders" || under == "tolerations"
	case "command", "args":
		_, list := child.([]any)
		return list
	}
	return false
}
