package gitops

import (
	"errors"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// Documents divides a file of manifests.
func Documents(content string) (found [][]byte, err error) {
	reader := yaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(content)))
	for {
		buffer := make([]byte, len(content)+1)
		n, err := reader.Read(buffer)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		found = append(found, buffer[:n])
	}
}
